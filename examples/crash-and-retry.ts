// A worker that dies is replaced, and a call of an idempotent tool is sent again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSnakepitError, Snakepit } from "snakepit";

const folder = mkdtempSync(join(tmpdir(), "example-"));
await using pit = await Snakepit.open({ tools: new URL("./faults.py", import.meta.url), workers: 2, retryBackoffMs: 10, onLog: () => {} });

console.log(await pit.execute("fragile", { marker: join(folder, "first") }));
await pit.execute("die", {}).catch((error) => console.log(isSnakepitError(error) && error._tag, error.signal, error.retryable));

console.log(pit.stats().crashes, "crashes, and still there:", await pit.execute("fragile", { marker: join(folder, "first") }));
rmSync(folder, { recursive: true });

// Prints:
// answered by another worker
// WorkerCrashed SIGKILL false
// 2 crashes, and still there: answered by another worker
