/** Batch tools: calls that are made together run together, and each ends as if it had run alone. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { type Progress, Snakepit } from "../src/index.ts";
import { failure, Lines, temporaryFolder, toolFile, until } from "./pool.support.ts";
import { oneOf, randomOf, seedOf } from "./random.ts";

const tools = toolFile("batches");
const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe.each([{ threads: 1 }, { threads: 2 }])("with %o", (options) => {
  let pit: Snakepit;
  const lines = new Lines();
  beforeAll(async () => {
    pit = await Snakepit.open({ tools, workers: 1, onLog: lines.onLog, ...options });
  });
  afterAll(() => pit.close());

  test.each(["company", "async_company"])("calls that are made together run together (%s)", async (tool) => {
    const results = await Promise.all(upTo(20).map((n) => pit.execute<number[]>(tool, { n })));
    for (const [n, [, ...together]] of results.entries()) {
      expect(together).toContain(n);
      expect(together.length).toBeLessThanOrEqual(8);
      expect(together).toEqual([...together].sort((a, b) => a - b));
    }
    expect(new Set(results.map(String)).size).toBe(3);
  });

  test("an exception among the results fails only its own call, wrong arguments only theirs", async () => {
    const [none, wrong, ...others] = await Promise.all([
      failure(pit.execute("inverses", { n: 0 })),
      failure(pit.execute("inverses", { n: "one" })),
      ...[1, 2, 4, 5, 8, 10].map((n) => pit.execute<number>("inverses", { n, ...(n > 2 ? { by: 2 } : {}) })),
    ]);
    expect(none).toMatchObject({ _tag: "ToolFailed", tool: "inverses", type: "ZeroDivisionError" });
    expect(wrong).toMatchObject({ _tag: "InvalidArguments", path: "$.n" });
    expect(others).toEqual([1, 0.5, 0.5, 0.4, 0.25, 0.2]);
  });

  test("a call that is cancelled or late leaves the others alone, whether it waits or runs", async () => {
    const controller = new AbortController();
    const cancelled = failure(pit.execute("waits", { n: 0 }, { signal: controller.signal }));
    const late = failure(pit.execute("waits", { n: 1 }, { timeoutMs: 20 }));
    controller.abort();
    expect((await cancelled)._tag).toBe("Cancelled");
    expect((await late)._tag).toBe("CallTimeout");
    const during = new AbortController();
    const begun = lines.count("begun");
    const heard: Progress[] = [];
    const leaves = failure(pit.execute("waits", { n: 2 }, { signal: during.signal }));
    const stay = [3, 4, 5].map((n) => pit.execute<number>("waits", { n }, { onProgress: (at) => heard.push(at) }));
    await lines.said("begun", begun + 1);
    await until(() => heard.length === 3);
    during.abort();
    expect((await leaves)._tag).toBe("Cancelled");
    await pit.execute("open_gate");
    expect(await Promise.all(stay)).toEqual([3, 4, 5]);
    expect(lines.events.find(({ text }) => text === "begun")).toMatchObject({ tool: "waits" });
    expect(pit.stats().crashes).toBe(0);
  });

  test("a batch that nobody waits for any more is interrupted", async () => {
    const controller = new AbortController();
    const begun = lines.count("begun");
    const calls = upTo(4).map((n) => failure(pit.execute("waits", { n }, { signal: controller.signal })));
    await lines.said("begun", begun + 1);
    controller.abort();
    for (const call of calls) expect((await call)._tag).toBe("Cancelled");
    expect(await pit.execute<number>("slow", { seconds: 0 })).toBe(0);
    expect(pit.stats().crashes).toBe(0);
  });

  test("calls of different sessions run apart where the tool takes a session", async () => {
    await using a = await pit.session("a");
    await using b = await pit.session("b");
    const calls = upTo(4).flatMap((n) => [a.execute<string>("of_session", { n }), b.execute<string>("of_session", { n })]);
    expect(await Promise.all(calls)).toEqual(upTo(4).flatMap(() => ["a 4", "b 4"]));
    await a.end();
    await b.end();
  });
});

test("calls gather in one worker until its batch is full, then in the next", async () => {
  await using pit = await Snakepit.open({ tools, workers: 2 });
  await until(() => pit.stats().ready === 2);
  const results = await Promise.all(upTo(16).map((n) => pit.execute<number[]>("company", { n })));
  expect(results.map(([, ...together]) => together.length)).toEqual(upTo(16).map(() => 8));
  expect(new Set(results.map(([pid]) => pid)).size).toBe(2);
});

test.each(["doubles", "async_doubles"])(
  "the function of a batch may ask the host, for as long as one of its calls is wanted (%s)",
  async (tool) => {
    await using pit = await Snakepit.open({ tools, workers: 1 });
    const asked: { readonly signal: AbortSignal; answer(): void }[] = [];
    pit.provide("double", async (n: number[], { signal }: { signal: AbortSignal }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      signal.addEventListener("abort", () => resolve());
      asked.push({ signal, answer: resolve });
      await promise;
      return n.map((x) => 2 * x);
    });
    await using session = await pit.session("s");
    const controllers = [1, 2, 3].map(() => new AbortController());
    const start = () => controllers.map(({ signal }, n) => session.execute<number>(tool, { n }, { signal }));
    const first = start();
    await until(() => asked.length === 1);
    controllers[0]?.abort();
    expect((await failure(first[0]!))._tag).toBe("Cancelled");
    expect(asked[0]?.signal.aborted).toBe(false);
    asked[0]?.answer();
    expect(await Promise.all(first.slice(1))).toEqual([2, 4]);

    controllers[0] = new AbortController();
    const second = start().map(failure);
    await until(() => asked.length === 2);
    for (const controller of controllers) controller.abort();
    for (const call of second) expect((await call)._tag).toBe("Cancelled");
    await until(() => asked[1]?.signal.aborted === true);
  },
);

test("calls that come of what a tool waits for run together on top of it", async () => {
  await using pit = await Snakepit.open({ tools, workers: 1 });
  pit.provide("many", () => Promise.all([1, 2, 3].map((n) => pit.execute<number[]>("company", { n }))));
  await using session = await pit.session("s");
  const results = await session.execute<number[][]>("asks");
  expect(results.map(([, ...together]) => together)).toEqual([
    [1, 2, 3],
    [1, 2, 3],
    [1, 2, 3],
  ]);
});

test.each([{ workers: 2 }, { workers: 1, threads: 3 }])(
  "whatever is cancelled, late or wrong, each call ends as it should (%o)",
  async (options) => {
    const random = randomOf(seedOf("SNAKEPIT_BATCH_SEED", 1));
    await using pit = await Snakepit.open({ tools, ...options });
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < 3_000) {
        const n = next++;
        const controller = new AbortController();
        const { signal } = controller;
        const wrong = random() < 0.02;
        const aborts = random() < 0.2;
        const hurries = random() < 0.1;
        const expected = [wrong ? "InvalidArguments" : n % 17 === 0 ? "ToolFailed" : n];
        if (aborts) expected.push("Cancelled");
        if (hurries) expected.push("CallTimeout");
        if (aborts) setTimeout(() => controller.abort(), random() * 6);
        const tool = oneOf(random, ["marked", "async_marked"]);
        const call = pit.execute<number>(tool, { n: wrong ? "x" : n }, { signal, ...(hurries ? { timeoutMs: 3 } : {}) });
        expect(expected).toContain(await call.catch((error) => error._tag));
      }
    };
    await Promise.all(Array.from({ length: 60 }, caller));
    expect(pit.stats()).toMatchObject({ crashes: 0, queued: 0 });
  },
);

test("a batch whose worker dies runs again where the tool may", async () => {
  const marker = join(temporaryFolder(), "died");
  await using pit = await Snakepit.open({ tools, workers: 1, retryBackoffMs: 10 });
  const results = await Promise.all(upTo(8).map((n) => pit.execute<number[]>("dies_once", { n, marker })));
  for (const [n, together] of results.entries()) expect(together).toContain(n);
  expect(pit.stats()).toMatchObject({ crashes: 1, failed: 0 });
});
