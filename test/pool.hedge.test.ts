/** Calls that are sent to a second worker because the first is slow, and calls that end while they are sent, with real workers. */
import { expect, test } from "bun:test";
import { kill } from "node:process";
import { Snakepit } from "../src/index.ts";
import { behaviour, failure, Lines, temporaryFolder, toolFile, until } from "./pool.support.ts";

test("a call whose worker has stopped is answered by another, and no answer comes twice", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2 });
  await pit.ready();
  const [first] = await pit.workers();
  kill(first!.pid, "SIGSTOP");
  try {
    expect(await pit.execute<number>("square", { n: 7 }, { hedgeMs: 30 })).toBe(49);
  } finally {
    kill(first!.pid, "SIGCONT");
  }
  await until(() => pit.stats().live === 0);
  expect(pit.stats()).toMatchObject({ calls: 1, succeeded: 1, failed: 0, hedged: 1 });
  // Both workers serve calls again.
  expect(await Promise.all([1, 2, 3, 4].map((n) => pit.execute<number>("square", { n })))).toEqual([1, 4, 9, 16]);
});

test("a call that is answered in time is sent once", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, onLog: lines.onLog });
  await pit.ready();
  expect(await pit.execute<string>("work_again", { name: "once" }, { hedgeMs: 5_000 })).toBe("once");
  expect(lines.count("once began")).toBe(1);
  expect(pit.stats().hedged).toBe(0);
});

test("the slower of two is cancelled in Python", async () => {
  const gates = temporaryFolder();
  await using pit = await Snakepit.open({ tools: toolFile("gated"), workers: 2, env: { GATES: gates }, graceMs: 1_000 });
  await pit.ready();
  const call = pit.execute<string>("quick", { gate: "never" }, { hedgeMs: 20, timeoutMs: 1_000 });
  expect(await failure(call)).toMatchObject({ _tag: "CallTimeout" });
  expect(pit.stats().hedged).toBe(1);
  // Neither holds its worker.
  expect(await Promise.all([pit.execute<string>("quick"), pit.execute<string>("quick")])).toEqual(["", ""]);
  expect(pit.stats().crashes).toBe(0);
});

test("a call that may not run twice cannot be hedged", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2 });
  const refused = { _tag: "InvalidOptions", option: "hedgeMs" };
  expect(await failure(pit.execute("echo", { value: 1 }, { hedgeMs: 10 }))).toMatchObject(refused);
  expect(await failure(pit.executeStream("count", { stop: 1 }, { hedgeMs: 10 }).next())).toMatchObject(refused);
  async function* input() {
    yield 1;
  }
  expect(await failure(pit.execute("square", { n: input() }, { hedgeMs: 10 }))).toMatchObject(refused);
  expect(await failure(pit.execute("square", { n: 1 }, { hedgeMs: -1 }))).toMatchObject(refused);
  expect(await pit.execute<number>("echo", { value: 1 }, { hedgeMs: 10, retry: "always" })).toBe(1);
});

test("a call that its own arguments cancel while they are read never reaches Python", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
  for (const seconds of [0, 0.1]) {
    const controller = new AbortController();
    const args = {
      get name(): string {
        controller.abort("while it is read");
        return "never";
      },
      seconds,
    };
    const error = await failure(pit.execute("work", args, { signal: controller.signal }));
    expect(error).toMatchObject({ _tag: "Cancelled", cause: "while it is read" });
  }
  expect(await pit.execute<string>("work", { name: "after" })).toBe("after");
  expect(lines.count("never began")).toBe(0);
  expect(pit.stats()).toMatchObject({ calls: 3, cancelled: 2, succeeded: 1, failed: 2, live: 0 });
});
