/** What `/metrics` gives, and the board that is drawn from it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { toJsonValue } from "../src/gateway/rpc/values.ts";
import { type Served, serve } from "../src/gateway.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { type PitEvent, Snakepit } from "../src/index.ts";
import { refused } from "./gateway.rpc.support.ts";
import { behaviour, temporaryFolder, until } from "./pool.support.ts";

let pit: Snakepit;
let gateway: Served;
/** The text, after each thing that is counted has happened once. */
let text = "";
const page = async (): Promise<string> => (await fetch(`${gateway.url}/metrics`)).text();

beforeAll(async () => {
  const events: PitEvent[] = [];
  const onEvent = (event: PitEvent) => events.push(event);
  pit = await Snakepit.open({
    tools: behaviour,
    workers: 1,
    metrics: true,
    statisticsIntervalMs: 20,
    retryBackoffMs: 1,
    onEvent,
    onLog: () => {},
  });
  gateway = await serve(pit, { port: 0, auth: "none" });
  const client = createClient(GatewayService, createConnectTransport({ baseUrl: gateway.url }));
  const { session } = await client.openSession({});
  await client.executeTool({ tool: "square", args: toJsonValue({ n: 2 }), sessionId: session?.id ?? "" });
  await client.executeTool({ tool: "die_once", args: toJsonValue({ path: join(temporaryFolder(), "died") }) });
  await refused(client.executeTool({ tool: "fail", args: toJsonValue({ message: "x" }) }));
  await pit.reload();
  await until(() => events.some(({ type }) => type === "statistics") && events.some(({ type }) => type === "worker.recycled"));
  text = await page();
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await pit.close();
});

test("every metric says what it is, and its name ends with its unit", async () => {
  const families = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", type = ""]) => ({ name, type }));
  const own = families.filter(({ name }) => /^(snakepit|rpc)_/.test(name));
  expect(own.map(({ name }) => name)).toContain("snakepit_calls_total");
  for (const { name, type } of own) {
    expect([name, new RegExp(`^# HELP ${name} \\S`, "m").test(text)]).toEqual([name, true]);
    expect([name, name.endsWith("_total")]).toEqual([name, type === "counter"]);
    expect([name, name.endsWith("_seconds")]).toEqual([name, type === "histogram"]);
  }
  expect(text).toMatch(/^snakepit_worker_memory_bytes\{snakepit_pool="default"\} [1-9]/m);
  expect(text).toMatch(/^snakepit_calls_total\{.*rpc_method="square".*snakepit_outcome="succeeded".*\} 1$/m);
  expect(text).toMatch(/^rpc_server_call_duration_seconds_count\{.*rpc_method="snakepit\.v1\.GatewayService\/ExecuteTool".*\} \d+$/m);
});

test("what has not happened yet is counted as never", async () => {
  expect(text).toMatch(/^snakepit_worker_failed_starts_total\{snakepit_pool="default"\} 0$/m);
});

test("the board asks for nothing that there is not", () => {
  const board: unknown = JSON.parse(readFileSync(new URL("../docs/grafana/board.json", import.meta.url), "utf8"));
  const expressions = [...JSON.stringify(board).matchAll(/"(?:expr|query)":"((?:[^"\\]|\\.)*)"/g)].map(([, expression = ""]) => expression);
  const withoutLabels = expressions.map((expression) => expression.replaceAll(/by \([^)]*\)|(?<=label_values\(\w+), \w+/g, ""));
  const asked = new Set(
    withoutLabels.flatMap((expression) => [...expression.matchAll(/\b(?:snakepit|rpc)_\w+(?=[{[),])/g)].map(([name]) => name)),
  );
  expect(asked.size).toBeGreaterThan(15);
  const there = new Set([...text.matchAll(/^((?:snakepit|rpc)_\w+)[{ ]/gm)].map(([, name]) => name));
  expect([...asked].filter((name) => !there.has(name))).toEqual([]);
  // Labels are names too.
  const labels = new Set([...text.matchAll(/(\w+)="/g)].map(([, label]) => label));
  const grouped = expressions.flatMap((expression) =>
    [...expression.matchAll(/by \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/, */)),
  );
  expect(grouped.filter((label) => !labels.has(label))).toEqual([]);
});

test("a pit that counts nothing has no such page", async () => {
  await using other = await Snakepit.open({});
  await using without = await serve(other, { port: 0, auth: "none" });
  expect((await fetch(`${without.url}/metrics`)).status).toBe(404);
});
