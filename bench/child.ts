/**
 * One round of one system on the runtime that runs this file: `child.ts SYSTEM PYTHON EFFORT_JSON [METRIC…]`, with the metrics that need not be tried.
 * Prints what it found as one line of JSON.
 *
 * Cold start is the time from the first line of this file to the first answer: what it loads of the system, Python's start and one call.
 */
import { type Effort, type Finding, measure } from "./measure.ts";
import { pin } from "./pin.ts";
import type { Open } from "./systems/system.ts";

const started = performance.now();
const [name = "", python = "", effortJson = "{}", ...skip] = process.argv.slice(2);
const systems: Record<string, () => Promise<Open>> = {
  floor: async () => (await import("./systems/floor.ts")).openFloor,
  snakepit: async () => (await import("./systems/snakepit.ts")).openSnakepit,
  "python-shell": async () => (await import("./systems/python-shell.ts")).openPythonShell,
  pythonia: async () => (await import("./systems/pythonia.ts")).openPythonia,
  pybridge: async () => (await import("./systems/pybridge.ts")).openPyBridge,
  "python-bridge": async () => (await import("./systems/python-bridge.ts")).openPythonBridge,
  "@grpc/grpc-js": async () => (await import("./systems/grpc.ts")).openGrpc,
  undici: async () => (await import("./systems/fastapi.ts")).openFastApi,
  zeromq: async () => (await import("./systems/zeromq.ts")).openZeroMq,
  "node-calls-python": async () => (await import("./systems/node-calls-python.ts")).openNodeCallsPython,
  "@platformatic/python-node": async () => (await import("./systems/python-node.ts")).openPythonNode,
  spawn: async () => (await import("./systems/spawn.ts")).openSpawn,
};
const load = systems[name];
if (load === undefined) throw new Error(`there is no system "${name}"`);
const effort: Effort = JSON.parse(effortJson);
const system = await (await load())(python);
if ((await system.echo("first")) !== "first") throw new Error("echo gave something else back");
const coldStartMs = performance.now() - started;
pin(system.pid);
const findings: Finding[] = [{ metric: "cold_start_ms", unit: "ms", value: coldStartMs }, ...(await measure(system, effort, skip))];
console.log(JSON.stringify(findings));
await system.close();
// Some of them leave something behind that keeps a program alive.
process.exit(0);
