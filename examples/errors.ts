// Every failure is one of a family of errors, told apart by `_tag`.
import { isSnakepitError, Snakepit, ToolFailed } from "snakepit";

await using pit = await Snakepit.open({
  tools: [new URL("./tools.py", import.meta.url), new URL("./faults.py", import.meta.url)],
  workers: 1,
});

async function tagOf(call: Promise<unknown>): Promise<string> {
  return call.then(String, (error) => (isSnakepitError(error) ? `${error._tag}: ${error.message}` : `not ours: ${error}`));
}
console.log(await tagOf(pit.execute("ad", { a: 1 })));
console.log(await tagOf(pit.execute("add", { a: "one" })));
console.log(await tagOf(pit.execute("add", { b: 2 })));
console.log(await tagOf(pit.execute("countdown", { start: 3 })));
console.log(await tagOf(pit.execute("add", { a: Promise.resolve(1) })));

try {
  await pit.execute("divide", { a: 1, b: 0 });
} catch (error) {
  if (!(error instanceof ToolFailed)) throw error;
  console.log(error.type, "from", error.causes[0]?.type);
  console.log(error.traceback.includes("raise ValueError"));
}

// Prints:
// ToolNotFound: There is no tool "ad"; did you mean "add"?
// InvalidArguments: Tool "add", argument "a": …
// InvalidArguments: Tool "add", argument "a": …
// StreamingMismatch: Tool "countdown" streams: call it with executeStream.
// UnsupportedValue: The value at $.a cannot travel: …
// ValueError from ZeroDivisionError
// true
