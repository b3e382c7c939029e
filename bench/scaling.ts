/**
 * One round of what a second worker brings, on the runtime that runs this file: `scaling.ts PYTHON EFFORT_JSON`. Calls per second of a tool that costs 200 us
 * of processor time, 32 at once, with one worker and with two in turn. Nothing is pinned: workers need a processor each.
 */
import { Snakepit } from "snakepit";
import { type Effort, type Finding, throughput } from "./measure.ts";
import { median } from "./statistics.ts";

const TOOL_US = 200;
const BURSTS = 3;
const [python = "", effortJson = "{}"] = process.argv.slice(2);
const { seconds }: Effort = JSON.parse(effortJson);
const tools = new URL("./systems/tools.py", import.meta.url);
const cases = { calls_per_s_32_one_worker: 1, calls_per_s_32_two_workers: 2 };

const findings: Finding[] = [];
const open = await Promise.all(
  Object.entries(cases).map(async ([metric, workers]) => ({
    metric,
    pit: await Snakepit.open({ tools, workers, python }),
    rates: [] as number[],
  })),
);
for (const { pit } of open) await pit.ready();
// The first burst warms up.
for (let burst = 0; burst <= BURSTS; burst++) {
  for (const { pit, rates } of open) {
    const rate = await throughput(() => pit.execute("spin", { us: TOOL_US }), seconds / 2);
    if (burst > 0) rates.push(rate);
  }
}
for (const { metric, pit, rates } of open) {
  findings.push({ metric, unit: "1/s", value: median(rates) });
  await pit.close();
}
console.log(JSON.stringify(findings));
