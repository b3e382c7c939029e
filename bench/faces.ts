/**
 * One round of the three ways to call a worker, on the runtime that runs this file: `faces.ts PYTHON EFFORT_JSON`. A kilobyte there and back, 32 at once, in
 * bursts that take turns: by Promise, by Effect, and by the client that is generated from the protocol.
 */
import { createClient } from "@connectrpc/connect";
import { Effect, ManagedRuntime } from "effect";
import { python as pythonAdapter } from "../src/adapter/python.ts";
import type { Connection } from "../src/carrier/carrier.ts";
import { WorkerService } from "../src/gen/snakepit/v1/worker_pb.ts";
import { type Adapter, Snakepit } from "../src/index.ts";
import * as Pool from "../src/pit/service.ts";
import { decode, Encoder } from "../src/value/index.ts";
import { type Effort, type Finding, throughput } from "./measure.ts";
import { median } from "./statistics.ts";

const BURSTS = 3;
const text = "x".repeat(1_024);
const [python = "", effortJson = "{}"] = process.argv.slice(2);
const { seconds }: Effort = JSON.parse(effortJson);
const options = { tools: new URL("./systems/tools.py", import.meta.url), workers: 1, python };

// The pool keeps its connections to itself; an adapter sees them made.
const connected = Promise.withResolvers<Connection>();
const adapter: Adapter = {
  ...pythonAdapter,
  prepare: (to) =>
    Effect.map(pythonAdapter.prepare(to), (launch) => ({
      ...launch,
      connect: (order, how) => Effect.tap(launch.connect(order, how), (connection) => Effect.sync(() => connected.resolve(connection))),
    })),
};
const pit = await Snakepit.open({ ...options, adapter });
const client = createClient(WorkerService, (await connected.promise).transport);
const encoder = new Encoder();
const runtime = ManagedRuntime.make(Pool.layer(options));
const pool = await runtime.runPromise(Pool.Pool);

const faces: Readonly<Record<string, () => Promise<unknown>>> = {
  calls_per_s_32_promise: () => pit.execute("echo", { text }),
  calls_per_s_32_effect: () => Effect.runPromise(pool.execute("echo", { text })),
  async calls_per_s_32_connect() {
    const { result } = await client.executeTool({ tool: "echo", args: encoder.encode({ text }).slice() });
    return decode(result);
  },
};
const rates = new Map<string, number[]>();
// The first burst warms up.
for (let burst = 0; burst <= BURSTS; burst++) {
  for (const [metric, call] of Object.entries(faces)) {
    if ((await call()) !== text) throw new Error("echo gave something else back");
    const rate = await throughput(call, seconds / 2);
    if (burst > 0) rates.set(metric, [...(rates.get(metric) ?? []), rate]);
  }
}
await runtime.dispose();
await pit.close();
const findings: Finding[] = Array.from(rates, ([metric, values]) => ({ metric, unit: "1/s", value: median(values) }));
console.log(JSON.stringify(findings));
