/** Cancelled calls, deadlines, and tools that ignore both. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isSnakepitError, Snakepit } from "../src/index.ts";
import { behaviour, collect, failure, Lines, until } from "./pool.support.ts";

describe("a signal", () => {
  let pit: Snakepit;
  const lines = new Lines();
  beforeAll(async () => {
    pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
  });
  afterAll(() => pit.close());

  test("interrupts a synchronous tool", async () => {
    const controller = new AbortController();
    const call = failure(pit.execute("work", { name: "sync", seconds: 60 }, { signal: controller.signal }));
    await lines.said("sync began");
    const reason = new Error("changed my mind");
    controller.abort(reason);
    expect(await call).toMatchObject({ _tag: "Cancelled", cause: reason });
    await lines.said("sync ended by CancelledError");
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
  });

  test("interrupts an asynchronous tool and no other", async () => {
    const controller = new AbortController();
    const other = pit.execute<string>("work_async", { name: "other", seconds: 0.2 });
    const call = failure(pit.execute("work_async", { name: "async", seconds: 60 }, { signal: controller.signal }));
    await lines.said("async began");
    controller.abort();
    expect((await call)._tag).toBe("Cancelled");
    await lines.said("async ended by CancelledError");
    expect(await other).toBe("other");
  });

  test("takes a call out of the queue before it runs", async () => {
    const controller = new AbortController();
    const ending = new AbortController();
    const first = failure(pit.execute("work", { name: "first", seconds: 60 }, { signal: ending.signal }));
    await lines.said("first began");
    const second = failure(pit.execute("work", { name: "never" }, { signal: controller.signal }));
    expect(pit.stats().queued).toBe(1);
    controller.abort();
    expect((await second)._tag).toBe("Cancelled");
    expect(pit.stats().queued).toBe(0);
    ending.abort();
    await first;
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
    expect(lines.count("never began")).toBe(0);
  });

  test("that was aborted before sends nothing", async () => {
    expect((await failure(pit.execute("work", { name: "unsent" }, { signal: AbortSignal.abort() })))._tag).toBe("Cancelled");
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
    expect(lines.count("unsent began")).toBe(0);
  });

  test("ends a stream", async () => {
    const controller = new AbortController();
    const before = lines.count("generator closed");
    const error = await failure(
      (async () => {
        for await (const n of pit.executeStream("count_said", { stop: 1_000_000 }, { signal: controller.signal }))
          if (n === 2) controller.abort();
      })(),
    );
    expect(error._tag).toBe("Cancelled");
    await lines.said("generator closed", before + 1);
  });

  test("racing the end of its call never touches another", async () => {
    let cancelled = 0;
    const race = async (n: number): Promise<void> => {
      const controller = new AbortController();
      const call = pit.execute<number>("square", { n }, { signal: controller.signal });
      const witness = pit.execute<number>("square", { n: n + 1 });
      // Now, in this turn, or after some turns: before, while and after the result is on its way.
      for (let turns = n % 5; turns > 0; turns--) await Promise.resolve();
      if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
      controller.abort();
      try {
        expect(await call).toBe(n * n);
      } catch (error) {
        expect(isSnakepitError(error) && error._tag).toBe("Cancelled");
        cancelled++;
      }
      expect(await witness).toBe((n + 1) * (n + 1));
    };
    for (let n = 0; n < 10_000; n += 16) await Promise.all(Array.from({ length: 16 }, (_, i) => race(n + i)));
    expect(cancelled).toBeGreaterThan(0);
    expect(pit.stats().crashes).toBe(0);
    expect((await pit.workers())[0]?.id).toBe("default-1");
  }, 60_000);
});

describe("a deadline", () => {
  test("fails the call, cancels the tool, and leaves the worker to the next", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
    const error = await failure(pit.execute("work", { name: "late", seconds: 60 }, { timeoutMs: 1_000 }));
    expect(error).toMatchObject({ _tag: "CallTimeout", timeoutMs: 1_000, limit: "call", tool: "work" });
    await lines.said("late ended by CancelledError");
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
    expect((await pit.workers())[0]?.id).toBe("default-1");
    expect(pit.stats().timedOut).toBe(1);
  });

  test("of a stream is for the whole of it", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, streamTimeoutMs: 300 });
    const stream = pit.executeStream("count", { stop: 1_000_000_000 });
    const error = await failure(collect(stream));
    expect(error).toMatchObject({ _tag: "CallTimeout", limit: "stream" });
  });

  test("covers the wait in the queue", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
    const ending = new AbortController();
    const first = failure(pit.execute("work", { name: "long", seconds: 60 }, { signal: ending.signal }));
    await lines.said("long began");
    const second = await failure(pit.execute("work", { name: "waits" }, { timeoutMs: 50 }));
    expect(second._tag).toBe("CallTimeout");
    ending.abort();
    await first;
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
    expect(lines.count("waits began")).toBe(0);
  });
});

describe("a tool that ignores its cancel", () => {
  /** Cancels a call of one, which has begun. */
  async function cancelStubborn(pit: Snakepit, lines: Lines): Promise<void> {
    const controller = new AbortController();
    const stuck = failure(pit.execute("stubborn", {}, { signal: controller.signal }));
    await lines.said("stubborn began");
    controller.abort();
    expect((await stuck)._tag).toBe("Cancelled");
  }

  test("loses its worker after the grace period; the pool is whole again", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, graceMs: 300, onLog: lines.onLog });
    const [before] = await pit.workers();
    await cancelStubborn(pit, lines);
    expect(await pit.execute<number>("pid")).not.toBe(before?.pid);
    await until(async () => (await pit.workers()).every((worker) => worker.pid !== before?.pid));
    expect((await pit.health()).status).toBe("healthy");
  });

  test("takes no other call with it: those that can end do", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, graceMs: 1_500, onLog: lines.onLog });
    // Longer than the first grace period, which is the tool's, and not as long as the second, which is that of the worker's other calls.
    const other = pit.execute<string>("work_async", { name: "neighbour", seconds: 2.2 });
    await lines.said("neighbour began");
    await cancelStubborn(pit, lines);
    expect(await other).toBe("neighbour");
  });

  test("fails the calls that cannot end with an error that may be retried", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, graceMs: 200, onLog: lines.onLog });
    const other = failure(pit.execute("work_async", { name: "too long", seconds: 60 }));
    await lines.said("too long began");
    await cancelStubborn(pit, lines);
    expect(await other).toMatchObject({ _tag: "WorkerCrashed", retryable: true });
  });

  test("also while C code holds Python's global lock", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, graceMs: 300, onLog: lines.onLog });
    const stuck = failure(pit.execute("hold_lock", { count: 1e12 }, { timeoutMs: 1_000 }));
    await lines.said("hold_lock began");
    expect((await stuck)._tag).toBe("CallTimeout");
    expect(await pit.execute<number>("square", { n: 4 })).toBe(16);
    expect(pit.stats().started).toBe(2);
  });
});
