/**
 * One round of what a gateway adds to a call, on the runtime that runs this file: `gateway.ts PYTHON EFFORT_JSON`. Calls per second of one method with a
 * kilobyte, 32 at once: of a gateway, of a bare Connect server whose handler calls the same pit, and of one that answers by itself. All live in one other
 * process and take turns.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport as overNode } from "@connectrpc/connect-node";
import { createConnectTransport as overFetch } from "@connectrpc/connect-web";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { decode, Encoder } from "../src/value/index.ts";
import { type Effort, type Finding, throughput } from "./measure.ts";
import { median } from "./statistics.ts";

const BURSTS = 5;
const text = "x".repeat(1_024);
const [python = "", effortJson = "{}"] = process.argv.slice(2);
const { seconds }: Effort = JSON.parse(effortJson);
const program = fileURLToPath(new URL("./systems/gateway_server.ts", import.meta.url));
const server = spawn(process.execPath, [program, python], { stdio: ["ignore", "pipe", "inherit"] });
const [line] = await once(server.stdout.setEncoding("utf8"), "data");
const urls: { gateway: string; bare: string } = JSON.parse(line);

const args = new Encoder().encode({ text });
const plain = new Encoder().encode(text);
function client(baseUrl: string) {
  const options = { baseUrl, useBinaryFormat: true };
  return createClient(GatewayService, "Bun" in globalThis ? overFetch(options) : overNode({ ...options, httpVersion: "1.1" }));
}
const gateway = client(urls.gateway);
const bare = client(urls.bare);
const cases: Readonly<Record<string, () => Promise<{ resultMsgpack?: Uint8Array | undefined }>>> = {
  gateway_1k_calls_per_s: () => gateway.executeTool({ tool: "echo", argsMsgpack: args }),
  connect_server_1k_calls_per_s: () => bare.executeTool({ tool: "echo", argsMsgpack: args }),
  connect_server_alone_1k_calls_per_s: () => bare.executeTool({ argsMsgpack: plain }),
};

const rates = new Map<string, number[]>();
// The first burst warms up.
for (let burst = 0; burst <= BURSTS; burst++) {
  for (const [metric, call] of Object.entries(cases)) {
    const { resultMsgpack } = await call();
    if (resultMsgpack === undefined || decode(resultMsgpack) !== text) throw new Error(`${metric}: something else came back`);
    const rate = await throughput(call, seconds / 2);
    if (burst > 0) rates.set(metric, [...(rates.get(metric) ?? []), rate]);
  }
}
const exited = once(server, "exit");
server.kill("SIGTERM");
await exited;
const findings: Finding[] = Array.from(rates, ([metric, values]) => ({ metric, unit: "1/s", value: median(values) }));
console.log(JSON.stringify(findings));
// Connections that are kept open keep a program alive.
process.exit(0);
