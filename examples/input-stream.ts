// Send an async iterable to Python, where it is an iterator.
import { isSnakepitError, Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 1 });

async function* measurements() {
  for (let n = 1; n <= 1_000; n++) yield n / 2;
}
console.log(await pit.execute("total", { numbers: measurements() }));

const gone = new Error("the sensor is gone");
async function* broken() {
  yield 1;
  throw gone;
}
try {
  await pit.execute("total", { numbers: broken() });
} catch (error) {
  console.log(isSnakepitError(error) && error._tag, error instanceof Error && error.cause === gone);
}

// Prints:
// 250250
// InputError true
