// Cancel a call by a signal or by a time limit: the Python function is interrupted, its worker goes on.
import { isSnakepitError, Snakepit } from "snakepit";

let interrupted = 0;
const twice = Promise.withResolvers<void>();
await using pit = await Snakepit.open({
  tools: new URL("./slow.py", import.meta.url),
  workers: 1,
  onLog: (line) => {
    if (line.text === "interrupted" && ++interrupted === 2) twice.resolve();
  },
});

const controller = new AbortController();
const call = pit.execute("think", {}, { signal: controller.signal });
setImmediate(() => controller.abort(new Error("no longer needed")));
await call.catch((error) => console.log(isSnakepitError(error) && error._tag, "-", error.cause.message));

await pit.execute("think", {}, { timeoutMs: 100 }).catch((error) => console.log(isSnakepitError(error) && error._tag, "-", error.message));

console.log(await pit.execute("train", { epochs: 1 }));
await twice.promise;
console.log("Python saw both;", pit.stats().crashes, "workers lost");

// Prints:
// Cancelled - no longer needed
// CallTimeout - Tool "think" took longer than the call limit of 100 ms.
// trained
// Python saw both; 0 workers lost
