// Cancel a call by a signal or by a time limit: the Python function is interrupted, its worker goes on.
import { isSnakepitError, Snakepit } from "snakepit";

const interrupted = Promise.withResolvers<void>();
await using pit = await Snakepit.open({
  tools: new URL("./slow.py", import.meta.url),
  workers: 1,
  onLog: (line) => line.text === "interrupted" && interrupted.resolve(),
});

const controller = new AbortController();
const onProgress = () => controller.abort(new Error("no longer needed"));
await pit
  .execute("think", {}, { signal: controller.signal, onProgress })
  .catch((error) => console.log(isSnakepitError(error) && error._tag, "-", error.cause.message));
await interrupted.promise; // a print in Python's `except`

await pit.execute("think", {}, { timeoutMs: 100 }).catch((error) => console.log(isSnakepitError(error) && error._tag, "-", error.message));

console.log(await pit.execute("train", { epochs: 1 }));
console.log(pit.stats().crashes, "workers lost");

// Prints:
// Cancelled - no longer needed
// CallTimeout - Tool "think" took longer than the call limit of 100 ms.
// trained
// 0 workers lost
