// Where `await using` does not parse (Node 22): close the pit in `finally`.
import { Snakepit } from "snakepit";

const pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 1 });
try {
  console.log(await pit.execute("add", { a: 1, b: 2 }));
} finally {
  await pit.close(); // may be called twice
}
await pit.execute("add", { a: 1 }).catch((error) => console.log(error.message));

// Prints:
// 3
// Pool "default" is closed.
