/**
 * A gateway that is attacked or loaded: `gateway.ts OPTIONS_JSON`. Prints its URL; answers each line on stdin with its memory after the garbage was
 * collected; closes when stdin ends.
 */
import { createInterface } from "node:readline";
import { type ServeOptions, serve } from "../../src/gateway.ts";
import { Snakepit } from "../../src/index.ts";
import { settledMemory } from "../memory.ts";
import { python, tools } from "../support.ts";

// Written by chaos/gateway/program.ts just now.
const options = JSON.parse(process.argv[2] ?? "{}") as ServeOptions;
const pit = await Snakepit.open({ tools, python, workers: 2, onLog() {} });
const gateway = await serve(pit, { port: 0, ...options });
console.log(JSON.stringify({ url: gateway.url }));
for await (const _line of createInterface(process.stdin)) {
  const resident = await settledMemory();
  const { heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ resident, used: heapUsed + external }));
}
await gateway.close();
await pit.close();
process.exit(0);
