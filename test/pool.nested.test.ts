/** Host tools that call Python again, which must never wait for the worker that waits for them. */
import { expect, test } from "bun:test";
import process from "node:process";
import { Snakepit } from "../src/index.ts";
import { collect, failure, Lines, toolFile, until } from "./pool.support.ts";

const tools = toolFile("nested");
const onLog = (): void => {};

for (const tool of ["ask", "ask_later"]) {
  for (const inner of ["pid", "pid_later"]) {
    test(`in a pool of one worker a host tool of ${tool} calls ${inner}`, async () => {
      await using pit = await Snakepit.open({ tools, workers: 1, maxConcurrent: 1, queueTimeoutMs: 1_000, onLog });
      pit.provide("again", () => pit.execute(inner));
      await using session = await pit.session("s");
      const pid = await pit.execute<number>("pid");
      expect(await session.execute<number>(tool, { name: "again" })).toBe(pid);
      // Also when it is known to be quick, so that calls are sent ahead.
      expect(await Promise.all(Array.from({ length: 50 }, () => session.execute<number>(tool, { name: "again" })))).toEqual(
        Array.from({ length: 50 }, () => pid),
      );
      expect(pit.stats()).toMatchObject({ live: 0, queued: 0, failed: 0 });
    });
  }
}

test("chains of calls that cross between two busy workers come to their end", async () => {
  await using pit = await Snakepit.open({ tools, workers: 2, queueTimeoutMs: 3_000, onLog });
  await pit.ready();
  await using session = await pit.session("s");
  pit.provide("deeper", async (value: number): Promise<number> => {
    return value === 0 ? 0 : 1 + (await session.execute<number>("ask", { name: "deeper", value: value - 1 }));
  });
  const depths = Array.from({ length: 40 }, (_, i) => i % 8);
  const calls = depths.map((value) => session.execute<number>("ask", { name: "deeper", value }));
  expect(await Promise.all(calls)).toEqual(depths);
});

test("a strict session's host tool calls into the session's own worker", async () => {
  await using pit = await Snakepit.open({ tools, workers: 2, queueTimeoutMs: 1_000, onLog });
  await pit.ready();
  for (const affinity of ["strict-queue", "strict-fail"] as const) {
    await using session = await pit.session(affinity, { affinity });
    session.provide("again", () => session.execute("pid"));
    const home = await session.execute<number>("pid");
    expect(await session.execute<number>("ask", { name: "again" })).toBe(home);
    expect(await collect(session.executeStream<number>("each", { name: "again" }))).toEqual([home]);
  }
});

test("a chain that leaves a strict session and comes back does not wait for itself", async () => {
  await using pit = await Snakepit.open({ tools, workers: 2, queueTimeoutMs: 1_000, onLog });
  await pit.ready();
  await using strict = await pit.session("strict", { affinity: "strict-queue" });
  await using other = await pit.session("other");
  const home = await strict.execute<number>("pid");
  let between = 0;
  pit.provide("out", async () => {
    between = await other.execute<number>("pid");
    return other.execute("ask", { name: "back" });
  });
  pit.provide("back", () => strict.execute("pid"));
  expect(await strict.execute<number>("ask", { name: "out" })).toBe(home);
  expect(between).not.toBe(home);
});

test("a chain through two pools of one worker each does not wait for itself", async () => {
  await using pit = await Snakepit.open({ pools: { left: { tools }, right: { tools } }, workers: 1, queueTimeoutMs: 1_000, onLog });
  await pit.ready();
  const [left, right] = [pit.pool("left"), pit.pool("right")];
  const home = await left.execute<number>("pid");
  const back = (): Promise<number> => left.execute("pid");
  expect(await left.execute<number>("apply", { fn: () => right.execute("apply", { fn: back, value: 2 }), value: 1 })).toBe(home);
});

test("a host tool may make many calls at once", async () => {
  await using pit = await Snakepit.open({ tools, workers: 1, queueTimeoutMs: 1_000, onLog });
  await using session = await pit.session("s");
  pit.provide("many", async () => {
    const pids = await Promise.all(Array.from({ length: 20 }, (_, i) => session.execute<number>(i % 2 === 0 ? "pid" : "pid_later")));
    return new Set(pids).size;
  });
  expect(await session.execute<number>("ask", { name: "many" })).toBe(1);
});

test("a call that a host tool makes ends with the call that the tool is part of", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools, workers: 2, onLog: lines.onLog });
  await pit.ready();
  await using session = await pit.session("s");
  const inner = Promise.withResolvers<unknown>();
  pit.provide("slow", () => new Promise(() => {}));
  pit.provide("again", () => {
    const call = session.execute("ask", { name: "slow", value: 2 });
    call.catch(inner.resolve);
    return call;
  });
  const controller = new AbortController();
  const outer = failure(session.execute("ask", { name: "again", value: 1 }, { signal: controller.signal }));
  await lines.said("slow 2 asked");
  controller.abort();
  expect(await outer).toMatchObject({ _tag: "Cancelled" });
  expect(await inner.promise).toMatchObject({ _tag: "Cancelled" });
  await until(() => pit.stats().live === 0);
});

test("a call that a host tool makes has no more time than the call that the tool is part of", async () => {
  await using pit = await Snakepit.open({ tools, workers: 2, onLog });
  await pit.ready();
  await using session = await pit.session("s");
  const inner = Promise.withResolvers<unknown>();
  pit.provide("slow", () => new Promise(() => {}));
  pit.provide("again", () => {
    const call = session.execute("ask", { name: "slow" });
    call.catch(inner.resolve);
    return call;
  });
  const began = performance.now();
  await failure(session.execute("ask", { name: "again" }, { timeoutMs: 300 }));
  // Its own limit would be 30 s. Who notices first that the time is up is open.
  const error = await failure(inner.promise.then((reason) => Promise.reject(reason)));
  expect(["CallTimeout", "Cancelled", "ToolFailed"]).toContain(error._tag);
  expect(performance.now() - began).toBeLessThan(10_000);
});

test("what a host tool leaves behind goes on as the program's own", async () => {
  await using pit = await Snakepit.open({ tools, workers: 1, onLog });
  await using session = await pit.session("s");
  const pid = await pit.execute<number>("pid");
  const answered = Promise.withResolvers<void>();
  const left: Promise<unknown>[] = [];
  pit.provide("leave", () => {
    left.push(
      pit.execute("pid"),
      answered.promise.then(() => pit.execute("pid")),
    );
  });
  await session.execute("ask", { name: "leave" });
  answered.resolve();
  expect(await Promise.all(left)).toEqual([pid, pid]);
});

test("a worker that dies below a host tool's call leaves nothing behind", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools, workers: 1, onLog: lines.onLog });
  await using session = await pit.session("s", { affinity: "strict-queue" });
  const home = await session.execute<number>("pid");
  pit.provide("slow", () => new Promise(() => {}));
  pit.provide("again", () => session.execute("ask", { name: "slow", value: 2 }));
  const outer = failure(session.execute("ask", { name: "again", value: 1 }));
  await lines.said("slow 2 asked");
  process.kill(home, "SIGKILL");
  expect(await outer).toMatchObject({ _tag: "WorkerCrashed" });
  expect(await session.execute<number>("pid")).not.toBe(home);
  await until(() => pit.stats().live === 0);
});
