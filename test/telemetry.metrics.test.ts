/** Metrics add up to what happened, and statistics come by themselves. */
import { expect, test } from "bun:test";
import { Effect, Fiber, Metric, Stream } from "effect";
import { Pool } from "../src/effect.ts";
import { type MetricSnapshot, type PitEvent, Snakepit, type StatisticsEvent } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { behaviour, failure, toolFile, until } from "./pool.support.ts";

type Attributes = Readonly<Record<string, string>>;

/** The state of a metric; its attributes include these. */
const state = (all: readonly MetricSnapshot[], id: string, attributes: Attributes = {}): MetricSnapshot["state"] | undefined =>
  all.find((each) => each.id === id && Object.entries(attributes).every(([key, value]) => each.attributes?.[key] === value))?.state;

test("metrics add up to the calls, crashes, retries and affinity that there were", async () => {
  const pool = { "snakepit.pool": "counted" };
  await using pit = await Snakepit.open({
    pools: { counted: { tools: behaviour, workers: 1, retryBackoffMs: 1 } },
    metrics: true,
    statisticsIntervalMs: 20,
    onLog: () => {},
  });
  await Promise.all(Array.from({ length: 20 }, (_, n) => pit.execute("square", { n })));
  for (let n = 0; n < 3; n++) await failure(pit.execute("fail", { message: "no" }));
  await using session = await pit.session();
  for (let n = 0; n < 4; n++) await session.execute("square", { n });
  await killWorker(pit);
  await until(() => pit.stats().ready === 1 && pit.stats().crashes === 1);
  await until(() => state(pit.metrics(), "snakepit.worker.memory", pool) !== undefined);
  const all = pit.metrics();
  const square = { ...pool, "rpc.method": "square" };
  expect(state(all, "snakepit.calls", { ...square, "snakepit.outcome": "succeeded" })).toEqual({ count: 24, incremental: true });
  expect(state(all, "snakepit.calls", { "rpc.method": "fail", "snakepit.outcome": "failed", "error.type": "ToolFailed" })).toEqual({
    count: 3,
    incremental: true,
  });
  expect(state(all, "rpc.client.call.duration", square)).toMatchObject({ count: 24 });
  expect(state(all, "snakepit.tool.duration", square)).toMatchObject({ count: 24 });
  expect(state(all, "snakepit.queue.duration", pool)).toMatchObject({ count: 27 });
  expect(state(all, "snakepit.worker.crashes", pool)).toEqual({ count: 1, incremental: true });
  expect(state(all, "snakepit.worker.restarts", pool)).toEqual({ count: 1, incremental: true });
  expect(state(all, "snakepit.affinity.hits", pool)).toEqual({ count: 3, incremental: true });
  expect(state(all, "snakepit.workers.ready", pool)).toEqual({ value: 1 });
  expect(state(all, "snakepit.queue.length", pool)).toEqual({ value: 0 });
  expect(state(all, "snakepit.worker.memory", pool)).toHaveProperty("value", expect.any(Number));
  await pit.close();
  expect(state(pit.metrics(), "snakepit.workers.ready", pool)).toBeUndefined();
});

test("without the option nothing is counted", async () => {
  await using pit = await Snakepit.open({ pools: { uncounted: { tools: behaviour, workers: 1 } } });
  await pit.execute("square", { n: 1 });
  expect(pit.metrics().filter(({ attributes }) => attributes?.["snakepit.pool"] === "uncounted")).toEqual([]);
});

test("with Effect the metrics go to the registry of the program, and events are a stream", async () => {
  const registry = new Map();
  const program = Effect.gen(function* () {
    const pool = yield* Pool.Pool;
    const started = yield* pool.events.pipe(
      Stream.filter((event) => event.type === "call.finished"),
      Stream.take(2),
      Stream.runCollect,
      Effect.forkChild({ startImmediately: true }),
    );
    yield* pool.execute("square", { n: 1 });
    yield* Effect.exit(pool.execute("fail", { message: "no" }));
    const finished = yield* Fiber.join(started);
    return [finished.map(({ tool, outcome }) => [tool, outcome]), yield* Metric.snapshot] as const;
  });
  const [finished, all] = await Effect.runPromise(
    program.pipe(
      Effect.provide(Pool.layer({ tools: behaviour, workers: 1, metrics: true, onLog: () => {} })),
      Effect.provideService(Metric.MetricRegistry, registry),
    ),
  );
  expect(finished).toEqual([
    ["square", "succeeded"],
    ["fail", "failed"],
  ]);
  expect(state(all, "snakepit.calls", { "rpc.method": "square" })).toEqual({ count: 1, incremental: true });
  expect(registry.size).toBeGreaterThan(5);
});

test("statistics come by themselves, with affinity, the queue, the workers and their memory", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, statisticsIntervalMs: 10, onEvent: (event) => events.push(event) });
  await using session = await pit.session();
  for (let n = 0; n < 3; n++) await session.execute("square", { n });
  const told = (event: PitEvent): event is StatisticsEvent => event.type === "statistics" && event.stats.succeeded === 3;
  await until(() => events.some(told));
  const statistics = events.find(told);
  expect(statistics).toMatchObject({ pool: "default", stats: { calls: 3, affinityHits: 2, queued: 0, workers: 1, ready: 1, crashes: 0 } });
  expect(statistics?.memoryBytes).toBeGreaterThan(5_000_000);
});

test("what tools count arrives as an event and as a metric, nothing lost and nothing twice", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({
    pools: { counting: { tools: toolFile("spans"), workers: 2, threads: 2 } },
    metrics: true,
    onEvent: (event) => events.push(event),
  });
  await pit.ready();
  await Promise.all(Array.from({ length: 20 }, () => pit.execute("counts", { name: "rows.read", by: 2.5, times: 100 })));
  const read = () => state(pit.metrics(), "rows.read", { "snakepit.pool": "counting" });
  await until(() => {
    const now = read();
    return now !== undefined && "count" in now && now.count === 5_000;
  });
  const told = events.filter((event) => event.type === "counters");
  expect(told.reduce((sum, event) => sum + (event.counters["rows.read"] ?? 0), 0)).toBe(5_000);
  expect(told.every(({ pool, worker }) => pool === "counting" && worker.startsWith("counting-"))).toBe(true);
  expect(await failure(pit.execute("counts", { name: "rows.read", by: -1, times: 1 }))).toMatchObject({
    _tag: "ToolFailed",
    type: "ValueError",
  });
});
