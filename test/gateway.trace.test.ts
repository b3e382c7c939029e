/** One call from a client elsewhere to a span of Python code, as a collector of OpenTelemetry gets it. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { toJsonValue } from "../src/gateway/rpc/values.ts";
import { serve } from "../src/gateway.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { Snakepit } from "../src/index.ts";
import { refused } from "./gateway.rpc.support.ts";
import { failure, toolFile } from "./pool.support.ts";

interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}
interface Span {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly status: { readonly code: number };
}
interface Line {
  readonly traceId?: string;
  readonly severityText: string;
  readonly body: { readonly stringValue: string };
  readonly attributes: readonly Attribute[];
}
interface Series {
  readonly name: string;
  readonly unit: string;
}

/** Everything that was sent, by path. */
const bodies: { readonly path: string; readonly headers: IncomingMessage["headers"]; readonly body: never }[] = [];
let collector: Server;
let sessionId = "";
const traceId = "0af7651916cd43dd8448eb211c80319c";
const callerSpan = "b7ad6b7169203331";
const variables = {
  OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
  OTEL_EXPORTER_OTLP_HEADERS: "x-key=secret",
  OTEL_SERVICE_NAME: "tested",
  OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=here",
};

beforeAll(async () => {
  collector = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      bodies.push({ path: request.url ?? "", headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) as never });
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  const { port } = collector.address() as AddressInfo;
  Object.assign(process.env, variables, { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });

  const pit = await Snakepit.open({ tools: toolFile("spans"), workers: 1, openTelemetry: true, onLog: () => {} });
  const gateway = await serve(pit, { port: 0, auth: "none" });
  const client = createClient(GatewayService, createConnectTransport({ baseUrl: gateway.url }));
  const headers = { traceparent: `00-${traceId}-${callerSpan}-01` };
  sessionId = (await client.openSession({})).session?.id ?? "";
  await client.executeTool({ tool: "work", args: toJsonValue({ text: "é" }), sessionId }, { headers });
  for await (const _ of client.executeToolStream({ tool: "streams", args: toJsonValue({ count: 2 }) }, { headers }));
  await refused(client.executeTool({ tool: "fails" }, { headers }));
  await gateway.close();
  await pit.close();
});
afterAll(() => {
  for (const name of [...Object.keys(variables), "OTEL_EXPORTER_OTLP_ENDPOINT"]) delete process.env[name];
  collector.close();
});

/** What was sent to a path, each `key` of its scopes. */
const sent = <T>(path: string, resources: string, scopes: string, key: string): T[] =>
  bodies
    .filter((message) => message.path === path)
    .flatMap(({ body }) =>
      (body[resources] as never[]).flatMap((resource) => (resource[scopes] as never[]).flatMap((scope) => scope[key] as T[])),
    );
const attributeOf = (attributes: readonly Attribute[], key: string): unknown =>
  Object.values(attributes.find((attribute) => attribute.key === key)?.value ?? {})[0];

test("a call is one connected tree, from the client's span to those of Python", async () => {
  const spans = sent<Span>("/v1/traces", "resourceSpans", "scopeSpans", "spans");
  const traced = spans.filter((span) => span.traceId === traceId);
  const method = (name: string): string => `snakepit.v1.GatewayService/${name}`;
  for (const path of [
    [method("ExecuteTool"), "work", "outer", "inner"],
    [method("ExecuteToolStream"), "streams", "streaming"],
    [method("ExecuteTool"), "fails", "failing"],
  ]) {
    // From the inside: each leads to the one around it, and the outermost to the caller's own.
    let inner = traced.find(({ name }) => name === path.at(-1));
    for (const name of path.toReversed()) {
      expect([name, inner?.name]).toEqual([name, name]);
      const parent = traced.find(({ spanId }) => spanId === inner?.parentSpanId);
      if (parent === undefined) expect(inner?.parentSpanId).toBe(callerSpan);
      inner = parent;
    }
    expect(inner).toBeUndefined();
  }
  // Nothing hangs in the air: 3 requests, 3 calls, 4 spans of Python.
  expect(traced).toHaveLength(10);

  const request = traced.find(({ name, kind }) => name === method("ExecuteTool") && kind === 2);
  expect(request && attributeOf(request.attributes, "rpc.system.name")).toBe("connectrpc");
  expect(request && attributeOf(request.attributes, "rpc.method")).toBe(method("ExecuteTool"));
  expect(request && attributeOf(request.attributes, "server.address")).toBe("127.0.0.1");
  const call = traced.find(({ name }) => name === "work");
  expect(call).toMatchObject({ kind: 3 });
  expect(call && attributeOf(call.attributes, "snakepit.session")).toBe(sessionId);
  const failed = traced.filter(({ status }) => status.code === 2).map(({ name }) => name);
  expect(failed.toSorted()).toEqual(["failing", "fails", method("ExecuteTool")].toSorted());
  // A request without a context begins a trace of its own.
  expect(spans.find(({ name }) => name === method("OpenSession"))?.parentSpanId).toBeUndefined();
});

test("metrics and lines are sent too, with the service that the variables name", () => {
  const metrics = sent<Series>("/v1/metrics", "resourceMetrics", "scopeMetrics", "metrics");
  const units = new Map(metrics.map(({ name, unit }) => [name, unit]));
  expect(units.get("rpc.server.call.duration")).toBe("s");
  expect(units.get("rpc.client.call.duration")).toBe("s");
  expect([...units.keys()]).toContain("snakepit.calls");

  const lines = sent<Line>("/v1/logs", "resourceLogs", "scopeLogs", "logRecords");
  const line = lines.find(({ body }) => body.stringValue === "working on é");
  expect(line).toMatchObject({ traceId, severityText: "Info" });
  expect(line && attributeOf(line.attributes, "snakepit.worker")).toBe("default-1");
  expect(line && attributeOf(line.attributes, "rpc.method")).toBe("work");
  expect(line && attributeOf(line.attributes, "snakepit.session")).toBe(sessionId);
  expect(line && Number(attributeOf(line.attributes, "snakepit.call"))).toBeGreaterThan(0);

  for (const { headers, body } of bodies) {
    expect(headers["x-key"]).toBe("secret");
    const [first] = Object.values(body) as [[{ resource: { attributes: readonly Attribute[] } }]];
    const [{ resource }] = first;
    expect(attributeOf(resource.attributes, "service.name")).toBe("tested");
    expect(attributeOf(resource.attributes, "deployment.environment.name")).toBe("here");
  }
});

test("variables that make no sense fail the opening", async () => {
  process.env["OTEL_EXPORTER_OTLP_COMPRESSION"] = "zip";
  try {
    expect(await failure(Snakepit.open({ openTelemetry: true }))).toMatchObject({ _tag: "InvalidOptions", option: "openTelemetry" });
  } finally {
    delete process.env["OTEL_EXPORTER_OTLP_COMPRESSION"];
  }
});
