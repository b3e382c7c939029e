/** Traces that go from the program through Python and back: one trace id, and the right parents. */
import { expect, test } from "bun:test";
import { createServer } from "node:http";
import { Effect, Fiber, Layer, Stream, Tracer } from "effect";
import { FetchHttpClient } from "effect/http";
import { OtlpSerialization, OtlpTracer } from "effect/observability";
import { Pool, Session } from "../src/effect.ts";
import { type LogEvent, type PitEvent, Snakepit, type SpanEvent } from "../src/index.ts";
import { failure, toolFile, until } from "./pool.support.ts";

const tools = toolFile("spans");
const traceId = "0af7651916cd43dd8448eb211c80319c";
const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
const isSpan = (event: PitEvent): event is SpanEvent => event.type === "span.ended";

/** A tracer that keeps what it makes. */
function keeping(): { readonly tracer: Tracer.Tracer; readonly spans: Tracer.NativeSpan[] } {
  const spans: Tracer.NativeSpan[] = [];
  const tracer = Tracer.make({
    span(options) {
      const span = new Tracer.NativeSpan(options);
      spans.push(span);
      return span;
    },
  });
  return { tracer, spans };
}

const parentOf = (span: Tracer.Span | undefined): string | undefined =>
  span?.parent._tag === "Some" ? span.parent.value.spanId : undefined;

test("a trace goes from a span of Effect through Python and back, with one id and the right parents", async () => {
  const { tracer, spans } = keeping();
  const named = (name: string): Tracer.NativeSpan | undefined => spans.find((span) => span.name === name);
  const program = Effect.gen(function* () {
    const pool = yield* Pool.Pool;
    const session = yield* Session.make("user");
    yield* pool.execute("work", { text: "é" }).pipe(Effect.withSpan("program"));
    yield* session.executeStream("streams", { count: 3 }).pipe(Stream.runDrain, Effect.withSpan("reading"));
    yield* Effect.exit(pool.execute("fails").pipe(Effect.withSpan("failing program")));
    const waiting = yield* Effect.forkChild(pool.execute("waits").pipe(Effect.withSpan("waiting program")));
    yield* Effect.promise(() => until(() => named("waits") !== undefined));
    yield* Effect.sleep("50 millis");
    yield* Fiber.interrupt(waiting);
    yield* Effect.promise(() => until(() => named("waiting")?.status._tag === "Ended"));
    yield* pool.execute("work");
  });
  await Effect.runPromise(
    program.pipe(
      Effect.scoped,
      Effect.provide(Pool.layer({ tools, workers: 1, onLog: () => {} })),
      Effect.provideService(Tracer.Tracer, tracer),
    ),
  );
  expect(spans.map(({ name }) => name).toSorted()).toEqual(
    [
      "program",
      "work",
      "inner",
      "outer",
      "reading",
      "streams",
      "streaming",
      "failing program",
      "fails",
      "failing",
      "waiting program",
      "waits",
      "waiting",
    ].toSorted(),
  );
  for (const path of [
    ["program", "work", "outer", "inner"],
    ["reading", "streams", "streaming"],
    ["failing program", "fails", "failing"],
  ]) {
    for (const [at, name] of path.entries()) {
      const above = path[at - 1];
      expect(named(name)?.traceId).toBe(named(path[0] ?? "")?.traceId ?? "none");
      if (above !== undefined) expect([name, parentOf(named(name))]).toEqual([name, named(above)?.spanId]);
    }
  }
  const outer = named("outer");
  expect(Object.fromEntries(outer?.attributes ?? [])).toEqual({ text: "é", n: 3, "snakepit.worker": "default-1" });
  expect(outer?.kind).toBe("internal");
  expect(named("work")?.kind).toBe("client");
  const exits = Object.fromEntries(spans.map((span) => [span.name, span.status._tag === "Ended" ? span.status.exit._tag : "Started"]));
  expect(exits).toMatchObject({
    work: "Success",
    outer: "Success",
    fails: "Failure",
    failing: "Failure",
    waits: "Failure",
    waiting: "Failure",
  });
  if (outer?.status._tag !== "Ended") throw new Error("it goes on");
  const work = named("work");
  expect(outer.startTime).toBeGreaterThanOrEqual((work?.startTime ?? 0n) - 5_000_000n);
  expect(outer.status.endTime).toBeGreaterThanOrEqual(outer.startTime);
}, 60_000);

test("a program without Effect gives the context itself, and hears of spans and lines of that trace", async () => {
  const events: PitEvent[] = [];
  const lines: LogEvent[] = [];
  await using pit = await Snakepit.open({ tools, workers: 1, onEvent: (event) => events.push(event), onLog: (line) => lines.push(line) });
  const inside = await pit.execute<string>("work", { text: "y" }, { traceparent });
  const [inner, outer] = events.filter(isSpan);
  expect(outer).toMatchObject({
    name: "outer",
    tool: "work",
    worker: "default-1",
    traceId,
    parentId: "b7ad6b7169203331",
    attributes: { text: "y", n: 3 },
    error: "",
  });
  expect(inner).toMatchObject({ name: "inner", traceId, parentId: outer?.spanId ?? "" });
  expect(inside).toBe(`00-${traceId}-${outer?.spanId}-01`);
  await pit.execute("work", { text: "z" });
  expect(lines.map(({ text, trace }) => [text, trace])).toEqual([
    ["working on y", traceId],
    ["working on z", ""],
  ]);
  expect(events.filter(isSpan).length).toBe(2);
});

test("calls that a host tool makes belong to the span of the tool that called it", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools, workers: 1, onLog: () => {}, onEvent: (event) => events.push(event) });
  pit.provide("again", () => pit.execute("work"));
  await using session = await pit.session("user");
  for (const tool of ["asks", "asks_later"]) {
    events.length = 0;
    await session.execute(tool, {}, { traceparent });
    const [inner, outer, asking] = events.filter(isSpan);
    expect([inner?.name, outer?.name, asking?.name]).toEqual(["inner", "outer", "asking"]);
    expect(asking).toMatchObject({ tool, session: "user", parentId: "b7ad6b7169203331" });
    expect(outer).toMatchObject({ tool: "work", traceId, parentId: asking?.spanId ?? "" });
  }
});

test("what a host tool does with Effect belongs to the span of the Python code that called it", async () => {
  const { tracer, spans } = keeping();
  const program = Effect.gen(function* () {
    const pool = yield* Pool.Pool;
    yield* pool.provide("again", () => pool.execute("work").pipe(Effect.withSpan("host tool")));
    const session = yield* Session.make("user");
    yield* session.execute("asks_later").pipe(Effect.withSpan("program"));
  });
  await Effect.runPromise(
    program.pipe(
      Effect.scoped,
      Effect.provide(Pool.layer({ tools, workers: 1, onLog: () => {} })),
      Effect.provideService(Tracer.Tracer, tracer),
    ),
  );
  const path = ["program", "asks_later", "asking", "host tool", "work", "outer", "inner"].map((name) =>
    spans.find((span) => span.name === name),
  );
  expect(new Set(path.map((span) => span?.traceId)).size).toBe(1);
  expect(path.slice(1).map(parentOf)).toEqual(path.slice(0, -1).map((span) => span?.spanId));
});

test("an exporter sees the spans of Python under the ids that Python gave them", async () => {
  const sent: { readonly name: string; readonly traceId: string; readonly spanId: string; readonly parentSpanId?: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (data) => {
      body += data;
    });
    request.on("end", () => {
      const { resourceSpans } = JSON.parse(body);
      for (const { scopeSpans } of resourceSpans) for (const { spans } of scopeSpans) sent.push(...spans);
      response.end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("it has no port");
  const exporter = OtlpTracer.layer({ url: `http://127.0.0.1:${address.port}/v1/traces`, resource: { serviceName: "test" } }).pipe(
    Layer.provide(OtlpSerialization.layerJson),
    Layer.provide(FetchHttpClient.layer),
  );
  const program = Effect.flatMap(Pool.Pool, (pool) => pool.execute<string>("work").pipe(Effect.withSpan("program")));
  const context = await Effect.runPromise(
    program.pipe(Effect.provide(Layer.mergeAll(Pool.layer({ tools, workers: 1, onLog: () => {} }), exporter)), Effect.scoped),
  );
  server.close();
  const path = ["program", "work", "outer", "inner"].map((name) => sent.find((span) => span.name === name));
  expect(path.slice(1).map((span) => span?.parentSpanId)).toEqual(path.slice(0, -1).map((span) => span?.spanId));
  expect(context).toBe(`00-${path[2]?.traceId}-${path[2]?.spanId}-01`);
});

test("a context that is none is refused before anything is sent", async () => {
  await using pit = await Snakepit.open({ tools, workers: 1 });
  for (const wrong of ["", "junk", traceparent.toUpperCase(), `01${traceparent.slice(2)}`, `00-${"0".repeat(32)}-b7ad6b7169203331-01`]) {
    expect(await failure(pit.execute("work", {}, { traceparent: wrong }))).toMatchObject({ _tag: "InvalidOptions", option: "traceparent" });
  }
  expect(pit.stats().calls).toBe(0);
});
