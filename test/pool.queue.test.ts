/** Which call runs where and when: the queue and its limits, priorities, and calls that do not stand in each other's way. */
import { expect, test } from "bun:test";
import { Snakepit } from "../src/index.ts";
import { behaviour, collect, failure, Lines, until } from "./pool.support.ts";

test("a full queue refuses the next call at once, and the pool goes on", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, queueSize: 2, onLog: lines.onLog });
  const running = pit.execute("work", { name: "running", seconds: 0.3 });
  await lines.said("running began");
  const waiting = [pit.execute<number>("square", { n: 2 }), pit.execute<number>("square", { n: 3 })];
  expect(await failure(pit.execute("square", { n: 4 }))).toMatchObject({ _tag: "QueueFull", pool: "default", size: 2, retryable: true });
  await running;
  expect(await Promise.all(waiting)).toEqual([4, 9]);
});

test("a call that waits too long fails, and never runs", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, queueTimeoutMs: 50, onLog: lines.onLog });
  const running = pit.execute("work", { name: "running", seconds: 0.5 });
  await lines.said("running began");
  const error = await failure(pit.execute("work", { name: "waiting" }));
  expect(error).toMatchObject({ _tag: "QueueTimeout", waitedMs: 50, retryable: true });
  await running;
  expect(pit.stats()).toMatchObject({ queued: 0, timedOut: 1 });
  expect(lines.count("waiting began")).toBe(0);
});

test("a higher priority leaves the queue first, equal ones in their order", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
  const running = pit.execute("work", { name: "running", seconds: 0.2 });
  await lines.said("running began");
  const order: string[] = [];
  const call = async (name: string, priority: number): Promise<void> => {
    await pit.execute("work", { name }, { priority });
    order.push(name);
  };
  await Promise.all([running, call("low", -1), call("first", 0), call("second", 0), call("high", 5)]);
  expect(order).toEqual(["high", "first", "second", "low"]);
});

test("a slow call has no other behind it while another worker is free", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, onLog: lines.onLog });
  await pit.ready();
  await pit.execute("square", { n: 1 });
  const slow = pit.execute("work", { name: "slow", seconds: 1 });
  await lines.said("slow began");
  await Promise.all(Array.from({ length: 200 }, (_, n) => pit.execute("square", { n })));
  expect(lines.count("slow ended")).toBe(0);
  await slow;
});

test("slow calls take one worker each, and the next one waits for the first that is free", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, onLog: lines.onLog });
  await pit.ready();
  const calls = ["a", "b", "c"].map((name) => pit.execute("work", { name, seconds: 0.5 }));
  expect(pit.stats()).toMatchObject({ live: 3, queued: 1 });
  await Promise.all([lines.said("a began"), lines.said("b began")]);
  expect(lines.count("a ended") + lines.count("b ended") + lines.count("c began")).toBe(0);
  expect((await pit.workers()).map((worker) => worker.status)).toEqual(["busy", "busy"]);
  await Promise.all(calls);
  expect((await pit.workers()).map((worker) => worker.calls).sort()).toEqual([1, 2]);
});

test("asynchronous calls run together on one worker, up to maxConcurrent", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, maxConcurrent: 10, onLog: lines.onLog });
  const calls = Array.from({ length: 20 }, () => pit.execute("work_async", { name: "together", seconds: 0.5 }));
  expect(pit.stats()).toMatchObject({ queued: 10, live: 20 });
  await lines.said("together began", 10);
  expect(pit.stats().succeeded).toBe(0);
  await Promise.all(calls);
  expect(lines.count("together began")).toBe(20);
});

test("a synchronous tool on one thread does not keep asynchronous ones waiting", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
  const slow = pit.execute("work", { name: "slow", seconds: 0.5 });
  await lines.said("slow began");
  expect(await pit.execute<number>("square_later", { n: 4 })).toBe(16);
  expect(pit.stats().live).toBe(1);
  await slow;
});

test("more threads run more synchronous tools in one worker", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, threads: 4, onLog: lines.onLog });
  const calls = Array.from({ length: 4 }, () => pit.execute("work", { name: "thread", seconds: 0.5 }));
  await lines.said("thread began", 4);
  expect(lines.count("thread ended")).toBe(0);
  await Promise.all(calls);
});

test("a stream that nobody reads stops its own producer and nothing else", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  const stream = pit.executeStream<number>("count", { stop: 1_000_000_000 });
  expect((await stream.next()).value).toBe(0);
  expect(await pit.execute<number>("square", { n: 5 })).toBe(25);
  expect(await collect(pit.executeStream("count", { stop: 3 }))).toEqual([0, 1, 2]);
  // It goes on where it was.
  expect((await stream.next()).value).toBe(1);
  await stream.return?.();
  await until(() => pit.stats().live === 0);
});
