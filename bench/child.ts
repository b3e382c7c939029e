/**
 * One round of one system on the runtime that runs this file: `child.ts SYSTEM PYTHON EFFORT_JSON`. Prints its figures as one line of JSON.
 *
 * Cold start is the time from the start of this process to the first answer, less what the runtime takes to reach this file's first line.
 */
import { type Effort, measure } from "./measure.ts";
import type { Open } from "./systems/system.ts";

const started = performance.now();
const [name = "", python = "", effortJson = "{}"] = process.argv.slice(2);
const systems: Record<string, () => Promise<Open>> = {
  floor: async () => (await import("./systems/floor.ts")).openFloor,
  snakepit: async () => (await import("./systems/snakepit.ts")).openSnakepit,
};
const load = systems[name];
if (load === undefined) throw new Error(`there is no system "${name}"`);
const effort: Effort = JSON.parse(effortJson);
const system = await (await load())(python);
await system.echo("first");
const coldStartMs = performance.now() - started;
const figures = [{ metric: "cold_start_ms", unit: "ms", value: coldStartMs }, ...(await measure(system, effort))];
await system.close();
console.log(JSON.stringify(figures));
