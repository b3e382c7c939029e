/** The programs of the documentation, and what they promise. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Cause, Deferred, Effect, Exit, Fiber, Stream } from "effect";
import { Pool } from "../src/effect.ts";
import { type Progress, Snakepit } from "../src/index.ts";
import { behaviour, collect, failure, Lines, processesWith, temporaryFolder, toolFile, until } from "./pool.support.ts";

const api = toolFile("api");

describe("with promises", () => {
  let pit: Snakepit;
  const lines = new Lines();
  beforeAll(async () => {
    pit = await Snakepit.open({ tools: [api, behaviour], workers: 2, onLog: lines.onLog });
  });
  afterAll(() => pit.close());

  test("calls a tool, with and without its defaults", async () => {
    expect(await pit.execute("add", { a: 1, b: 2 })).toBe(3);
    expect(await pit.execute("add", { a: 1.5 })).toBe(1.5);
    expect(await pit.execute<number[]>("Model.predict", { rows: [[1, 2], [3]] })).toEqual([4, 4]);
  });

  test("streams from generators and async generators", async () => {
    expect(await collect(pit.executeStream("countdown", { start: 3 }))).toEqual([3, 2, 1]);
    expect(await collect(pit.executeStream<string>("tokens", { prompt: "to be or not" }))).toEqual(["to", "be", "or", "not"]);
    expect(await collect(pit.executeStream("count", { stop: 0 }))).toEqual([]);
  });

  test("a long stream arrives whole and in order", async () => {
    const items = await collect(pit.executeStream<number>("count", { stop: 20_000 }));
    expect(items.length).toBe(20_000);
    expect(items.every((item, i) => item === i)).toBe(true);
  });

  test("several streams and calls at once share one worker", async () => {
    await using one = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
    const sums = await Promise.all([
      collect(one.executeStream("count", { stop: 300 })),
      collect(one.executeStream("count_async", { stop: 300 })),
    ]);
    expect(sums.map((items) => items.length)).toEqual([300, 300]);
    let seen = 0;
    for await (const n of one.executeStream<number>("count", { stop: 5 })) {
      expect(await one.execute<number>("square", { n })).toBe(n * n);
      seen++;
    }
    expect(seen).toBe(5);
  });

  test("items may be asked for before the ones before have come", async () => {
    const stream = pit.executeStream("count", { stop: 2 });
    const results = await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()]);
    expect(results.map((r) => (r.done ? "done" : r.value))).toEqual([0, 1, "done", "done"]);
  });

  test("leaving a stream early closes the generator", async () => {
    for await (const n of pit.executeStream("count_said", { stop: 1_000_000 })) if (n === 2) break;
    await lines.said("generator closed");
  });

  test("an async iterable is an iterator in the tool", async () => {
    async function* numbers() {
      for (let i = 1; i <= 100; i++) yield i;
    }
    expect(await pit.execute("total", { numbers: numbers() })).toBe(5050);
    expect(await collect(pit.executeStream("double_stream", { numbers: numbers() }))).toHaveLength(100);
  });

  test("progress reaches the caller in order", async () => {
    const seen: Progress[] = [];
    await pit.execute("steps", { count: 4 }, { onProgress: (progress) => seen.push(progress) });
    expect(seen.map((p) => [p.fraction, p.message])).toEqual([
      [0.25, "step 1"],
      [0.5, "step 2"],
      [0.75, "step 3"],
      [1, "step 4"],
    ]);
  });

  test("progress, spans and counters of any length harm nothing", async () => {
    const seen: string[] = [];
    const characters = 1_000_000;
    const options = {
      onProgress: ({ message }: Progress) => void seen.push(message),
      traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    };
    expect(await pit.execute<number>("report_at_length", { characters }, options)).toBe(characters);
    expect(seen).toEqual(["x".repeat(characters)]);
    expect(pit.stats().crashes).toBe(0);
  });

  test("tools are listed with their parameters", () => {
    const add = pit.tools().find((tool) => tool.name === "add");
    expect(add).toMatchObject({ description: "Add two numbers.", streaming: false, idempotent: false });
    expect(add?.parameters.map((p) => [p.name, p.type, p.required])).toEqual([
      ["a", "float", true],
      ["b", "float", false],
    ]);
  });

  test("workers, stats and health have the shapes that programs rely on", async () => {
    await pit.ready();
    const workers = await pit.workers();
    expect(workers).toHaveLength(2);
    for (const worker of workers) {
      expect(worker).toMatchObject({ pool: "default", status: "ready", startedBy: "spawn" });
      expect(worker.pid).toBeGreaterThan(1);
      expect(worker.memoryBytes).toBeGreaterThan(1_000_000);
      expect(worker.uptimeMs).toBeGreaterThanOrEqual(0);
    }
    expect(new Set(workers.map((worker) => worker.id)).size).toBe(2);
    const before = pit.stats();
    await pit.execute("add", { a: 1 });
    await failure(pit.execute("fail", { message: "no" }));
    const { calls, succeeded, failed, pools } = pit.stats();
    expect([calls, succeeded, failed]).toEqual([before.calls + 2, before.succeeded + 1, before.failed + 1]);
    expect(pools["default"]).toMatchObject({ workers: 2, ready: 2, live: 0, queued: 0, crashes: 0 });
    expect(await pit.health()).toMatchObject({ status: "healthy", pools: { default: { ready: 2 } } });
  });
});

test("tools are a path from the working directory, a URL, a module, or several", async () => {
  const folder = temporaryFolder("tools with blanks-");
  writeFileSync(join(folder, "mine.py"), "from snakepit import tool\n\n\n@tool\ndef mine() -> int:\n    return 1\n");
  await using pit = await Snakepit.open({
    tools: [pathToFileURL(join(folder, "mine.py")), "test/tools/api.py", "snakepit.showcase"],
    workers: 1,
  });
  expect(await pit.execute("mine")).toBe(1);
  expect(await pit.execute("add", { a: 1 })).toBe(1);
  expect(pit.tools().length).toBeGreaterThan(8);
});

test("without tools no worker starts", async () => {
  await using pit = await Snakepit.open({});
  expect(await pit.workers()).toEqual([]);
  expect((await failure(pit.execute("add", { a: 1 })))._tag).toBe("ToolNotFound");
  await pit.ready();
});

test("several pools have workers of their own, and a call finds the pool that has its tool", async () => {
  await using pit = await Snakepit.open({ workers: 1, pools: { cpu: { tools: api }, other: { tools: behaviour } } });
  expect(await pit.pool("cpu").execute("add", { a: 1, b: 1 })).toBe(2);
  expect((await failure(pit.pool("cpu").execute("square", { n: 2 })))._tag).toBe("ToolNotFound");
  expect(await pit.execute("square", { n: 3 })).toBe(9);
  expect(await collect(pit.pool("other").executeStream("count", { stop: 2 }))).toEqual([0, 1]);
  expect((await pit.workers()).map((worker) => worker.pool).sort()).toEqual(["cpu", "other"]);
  const error = await failure(pit.execute("squar", { n: 3 }));
  expect(error.nearest).toContain("square");
  expect(() => pit.pool("gpu")).toThrow('"cpu", "other"');
});

test("several pools close together: none takes calls while another waits for its own", async () => {
  const lines = new Lines();
  const pools = { one: {}, two: {} };
  const pit = await Snakepit.open({ tools: behaviour, workers: 1, graceMs: 300, onLog: lines.onLog, pools });
  const running = Object.keys(pools).map((name) => failure(pit.pool(name).execute("work", { name, seconds: 60 })));
  await Promise.all([lines.said("one began"), lines.said("two began")]);
  const closing = pit.close();
  const statuses = async () => Object.values((await pit.health()).pools).map((pool) => pool.status);
  await until(async () => (await statuses()).includes("closed"));
  expect(await statuses()).toEqual(["closed", "closed"]);
  expect((await Promise.all(running)).map((error) => error._tag)).toEqual(["PoolClosed", "PoolClosed"]);
  await closing;
});

test("one of several pools that cannot open takes the others along", async () => {
  const marker = `OPEN_MARKER=${randomUUID()}`;
  const folder = temporaryFolder();
  const { TMPDIR } = process.env;
  process.env["TMPDIR"] = folder;
  try {
    const pools = { good: { tools: behaviour }, bad: { tools: toolFile("broken_import") } };
    const opening = Snakepit.open({ workers: 2, env: { OPEN_MARKER: marker.slice("OPEN_MARKER=".length) }, pools });
    expect((await failure(opening))._tag).toBe("WorkerStartFailed");
    expect(processesWith(marker)).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    if (TMPDIR === undefined) delete process.env["TMPDIR"];
    else process.env["TMPDIR"] = TMPDIR;
  }
});

test("environment variables reach the workers", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, env: { MY_VARIABLE: "my value" } });
  expect(await pit.execute("environment", { name: "MY_VARIABLE" })).toBe("my value");
});

describe("with Effect", () => {
  const lines = new Lines();
  const layer = Pool.layer({ tools: [api, behaviour], workers: 1, onLog: lines.onLog });
  const run = <A, E>(effect: Effect.Effect<A, E, Pool.Pool>) => Effect.runPromise(effect.pipe(Effect.provide(layer)));

  test("the documented program runs", async () => {
    const printed: unknown[] = [];
    const program = Effect.gen(function* () {
      const pool = yield* Pool.Pool;
      printed.push(yield* pool.execute("add", { a: 1, b: 2 }));
      yield* pool.executeStream("countdown", { start: 3 }).pipe(Stream.runForEach((n) => Effect.sync(() => printed.push(n))));
      yield* pool.execute("fail", { message: "on purpose" });
    }).pipe(
      Effect.catchTag("ToolFailed", (e) =>
        Effect.sync(() => {
          printed.push(e.type);
          expect(e.traceback).toContain("on purpose");
        }),
      ),
    );
    await run(program.pipe(Effect.scoped));
    expect(printed).toEqual([3, 3, 2, 1, "ValueError"]);
  });

  test("interruption cancels the call in Python", async () => {
    await run(
      Effect.gen(function* () {
        const pool = yield* Pool.Pool;
        const fiber = yield* Effect.forkChild(pool.execute("work", { name: "interrupted", seconds: 60 }));
        yield* Effect.promise(() => lines.said("interrupted began"));
        yield* Fiber.interrupt(fiber);
        yield* Effect.promise(() => lines.said("interrupted ended by CancelledError"));
        expect(yield* pool.execute("square", { n: 2 })).toBe(4);
      }),
    );
  });

  test("a stream that is left early closes the generator", async () => {
    const before = lines.count("generator closed");
    await run(
      Effect.gen(function* () {
        const pool = yield* Pool.Pool;
        const items = yield* pool.executeStream<number>("count_said", { stop: 1_000_000 }).pipe(Stream.take(3), Stream.runCollect);
        expect(items).toEqual([0, 1, 2]);
        yield* Effect.promise(() => lines.said("generator closed", before + 1));
      }),
    );
  });

  test("errors of calls and streams are in the error channel by their tag", async () => {
    await run(
      Effect.gen(function* () {
        const pool = yield* Pool.Pool;
        const missing = yield* pool.execute("ad", { a: 1 }).pipe(Effect.flip);
        expect(missing._tag).toBe("ToolNotFound");
        const mismatch = yield* pool.executeStream("add", { a: 1 }).pipe(Stream.runDrain, Effect.flip);
        expect(mismatch._tag).toBe("StreamingMismatch");
        const broken = yield* pool.executeStream("count_then_fail", { stop: 2 }).pipe(Stream.runDrain, Effect.flip);
        expect(broken._tag).toBe("ToolFailed");
      }),
    );
  });

  test("a layer that cannot be built fails with the reason", async () => {
    const program = Effect.void.pipe(Effect.provide(Pool.layer({ tools: toolFile("broken_import"), workers: 1 })));
    const exit = await Effect.runPromiseExit(program);
    expect(Exit.isFailure(exit) && Cause.hasFails(exit.cause)).toBe(true);
    const error = await Effect.runPromise(Effect.flip(program));
    expect(error._tag).toBe("WorkerStartFailed");
  });

  test("the pools close with the scope of the layer", async () => {
    const held = Deferred.makeUnsafe<Pool.PoolService>();
    await run(Pool.Pool.use((pool) => Deferred.succeed(held, pool)));
    const pool = await Effect.runPromise(Deferred.await(held));
    const error = await Effect.runPromise(pool.execute("add", { a: 1 }).pipe(Effect.flip));
    expect(error._tag).toBe("PoolClosed");
    expect(await Effect.runPromise(pool.workers)).toEqual([]);
  });
});
