// Runs out of file descriptors while its worker is replaced. Is to be started with a low limit of them.
import { closeSync, openSync } from "node:fs";
import { Snakepit } from "../../src/index.ts";
import { runCommand } from "../../src/runtime/command.ts";
import { killWorker } from "../../src/testing.ts";
import { until } from "../pool.support.ts";

await using pit = await Snakepit.open({ tools: new URL("../tools/behaviour.py", import.meta.url), workers: 1, onLog() {} });
const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // The last one is taken.
}
console.log((await runCommand("true", [])).notRun);
await killWorker(pit);
await until(async () => (await pit.health()).pools["default"]?.cause?._tag === "WorkerStartFailed");
for (const descriptor of taken) closeSync(descriptor);
await until(() => pit.stats().ready === 1);
console.log(await pit.execute("square", { n: 3 }));
