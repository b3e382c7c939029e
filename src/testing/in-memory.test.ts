import { expect, test } from "bun:test";
import { collect, failure, until } from "../../test/pool.support.ts";
import { type OpenOptions, Snakepit } from "../index.ts";
import { inMemory, killWorker } from "../testing.ts";

const open = (options: Partial<OpenOptions> = {}) =>
  Snakepit.open({
    tools: "tools.py",
    workers: 2,
    adapter: inMemory({
      add: ({ a, b }) => Number(a) + Number(b),
      echo: async ({ value }) => value,
      count: async function* ({ stop }) {
        for (let i = 0; i < Number(stop); i++) yield i;
      },
      fail: () => {
        throw new TypeError("no");
      },
      wait: (_, { signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
      where: {
        idempotent: true,
        run: async (_, { worker, progress }) => {
          progress({ fraction: 0.5, message: "half" });
          return worker;
        },
      },
      rest: {
        idempotent: true,
        run: (_, { signal, worker }) =>
          new Promise((resolve) => {
            if (worker === "default-1") signal.addEventListener("abort", resolve);
            else resolve(worker);
          }),
      },
    }),
    ...options,
  });

test("runs functions as tools, with values as they travel", async () => {
  await using pit = await open();
  expect(await pit.execute<number>("add", { a: 1, b: 2 })).toBe(3);
  const value = {
    big: 2n ** 70n,
    when: new Date(5),
    bytes: new Uint8Array(100_000).fill(7),
    floats: new Float64Array([1, 2.5]),
    list: [null, "x"],
  };
  expect(await pit.execute("echo", { value })).toEqual(value);
  expect(await collect(pit.executeStream<number>("count", { stop: 5_000 }))).toHaveLength(5_000);
  expect(pit.tools().map(({ name }) => name)).toContain("count");
});

test("errors are those that Python's would be", async () => {
  await using pit = await open();
  expect(await failure(pit.execute("fail"))).toMatchObject({ _tag: "ToolFailed", type: "TypeError", detail: "no" });
  expect(await failure(pit.execute("ad"))).toMatchObject({ _tag: "ToolNotFound", nearest: ["add"] });
  expect(await failure(pit.execute("count"))).toMatchObject({ _tag: "StreamingMismatch" });
  expect(await failure(pit.execute("wait", {}, { timeoutMs: 20 }))).toMatchObject({ _tag: "CallTimeout" });
  expect(await failure(pit.execute("wait", {}, { signal: AbortSignal.timeout(20) }))).toMatchObject({ _tag: "Cancelled" });
});

test("a stream that is left stops its generator", async () => {
  let closed = false;
  await using pit = await open({
    adapter: inMemory({
      forever: async function* () {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          closed = true;
        }
      },
    }),
  });
  for await (const item of pit.executeStream<number>("forever")) if (item === 3) break;
  await until(() => closed);
});

test("a killed worker is replaced, and its call runs again when it may", async () => {
  await using pit = await open({ retryBackoffMs: 1 });
  const progress: number[] = [];
  expect(await pit.execute<string>("where", {}, { onProgress: ({ fraction }) => progress.push(fraction) })).toBe("default-1");
  expect(progress).toEqual([0.5]);
  const resting = pit.execute<string>("rest");
  const waiting = failure(pit.execute("wait"));
  await killWorker(pit, "default-1");
  expect(await resting).not.toBe("default-1");
  await killWorker(pit, "default-2");
  expect(await waiting).toMatchObject({ _tag: "WorkerCrashed", signal: "SIGKILL" });
  await pit.ready();
  await until(() => pit.stats().ready === 2);
  expect(pit.stats().crashes).toBe(2);
});
