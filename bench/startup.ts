/** How long Python takes to start and end with nothing to do: `startup.ts PYTHON`, on the runtime that runs this file. The floor of a cold start. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Finding } from "./measure.ts";
import { median } from "./statistics.ts";

const TIMES = 5;
const [python = ""] = process.argv.slice(2);
const times: number[] = [];
for (let n = 0; n < TIMES; n++) {
  const start = performance.now();
  await once(spawn(python, ["-c", "pass"], { stdio: "ignore" }), "exit");
  times.push(performance.now() - start);
}
const findings: Finding[] = [{ metric: "python_start_ms", unit: "ms", value: median(times) }];
console.log(JSON.stringify(findings));
