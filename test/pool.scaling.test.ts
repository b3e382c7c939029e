/** Pools that grow and shrink with their calls, and what happens to these. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Snakepit } from "../src/index.ts";
import { failure, processesOf, temporaryFolder, toolFile, until } from "./pool.support.ts";

const lives = toolFile("lives");

test("a pool grows while calls wait and shrinks when there are none, and no call fails", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: { min: 1, max: 4, idleMs: 200 } });
  const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
  expect(pit.stats()).toMatchObject({ workers: 1, ready: 1 });
  let most = 0;
  const caller = async (): Promise<void> => {
    while (pit.stats().ready < 4) {
      await pit.execute("pid", { seconds: 0.05 });
      most = Math.max(most, pit.stats().workers);
    }
    for (let n = 0; n < 10; n++) await pit.execute("pid", { seconds: 0.01 });
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  expect(most).toBe(4);
  await until(() => pit.stats().workers === 1);
  await until(() => processesOf(run).length === 1);
  expect(pit.stats()).toMatchObject({ started: 4, crashes: 0, failed: 0 });
  expect((await pit.health()).status).toBe("healthy");
}, 60_000);

test("calls that wait do not start a worker each", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: { min: 1, max: 8 } });
  let most = 0;
  const calls = Promise.all(Array.from({ length: 20 }, () => pit.execute("pid", { seconds: 0.02 })));
  const watched = until(async () => {
    const { workers, ready, live } = pit.stats();
    most = Math.max(most, workers - ready);
    return live === 0;
  });
  await Promise.all([calls, watched]);
  // No more than there were, which is one at first.
  expect(most).toBeLessThanOrEqual(Math.max(1, pit.stats().ready));
  expect(pit.stats().failed).toBe(0);
}, 60_000);

test("a worker that is let go ends its call first", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: { min: 1, max: 2, idleMs: 100 }, graceMs: 100 });
  const [long, other] = [pit.execute("pid", { seconds: 1.5 }), pit.execute("pid", { seconds: 1.5 })];
  await until(() => pit.stats().ready === 2);
  await Promise.all([long, other]);
  await until(() => pit.stats().workers === 1);
  expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0 });
}, 60_000);

test("a pool without calls goes to zero, and the first call waits for a worker", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: { min: 0, max: 2, idleMs: 100 } });
  const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
  for (let round = 1; round <= 2; round++) {
    await until(() => pit.stats().workers === 0);
    await until(() => processesOf(run).length === 0);
    await pit.ready();
    await until(async () => (await pit.health()).pools["default"]?.live === 0);
    expect(await pit.health()).toMatchObject({ status: "healthy", pools: { default: { workers: 0, ready: 0, live: 0 } } });
    expect(pit.tools().length).toBeGreaterThan(0);
    expect(await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" })).toBe(run);
    expect(pit.stats().started).toBe(round + 1);
  }
}, 60_000);

test("a call of a pool at zero keeps its deadline", async () => {
  const path = join(temporaryFolder(), "changing.py");
  const tool = "from snakepit import tool\n\n\n@tool\ndef one() -> int:\n    return 1\n";
  writeFileSync(path, tool);
  await using pit = await Snakepit.open({ tools: path, workers: { min: 0, max: 1, idleMs: 50 } });
  await until(() => pit.stats().workers === 0);
  writeFileSync(path, `import time\ntime.sleep(0.5)\n${tool}`);
  expect(await failure(pit.execute("one", {}, { timeoutMs: 50 }))).toMatchObject({ _tag: "CallTimeout", timeoutMs: 50 });
  expect(await pit.execute<number>("one")).toBe(1);
}, 60_000);

test("code that does not load any more fails the calls of a pool at zero, until it is mended and reloaded", async () => {
  const path = join(temporaryFolder(), "changing.py");
  writeFileSync(path, "from snakepit import tool\n\n\n@tool\ndef one() -> int:\n    return 1\n");
  await using pit = await Snakepit.open({ tools: path, workers: { min: 0, max: 2, idleMs: 50 } });
  await until(() => pit.stats().workers === 0);
  writeFileSync(path, "import nothing_of_this_name\n");
  expect((await failure(pit.reload()))._tag).toBe("WorkerStartFailed");
  expect(pit.stats().workers).toBe(0);
  expect((await failure(pit.execute("one")))._tag).toBe("WorkerStartFailed");
  expect((await failure(pit.execute("one")))._tag).toBe("WorkerStartFailed");
  writeFileSync(path, "from snakepit import tool\n\n\n@tool\ndef one() -> int:\n    return 111\n");
  await pit.reload();
  expect(await pit.execute<number>("one")).toBe(111);
}, 60_000);

test("spare workers are there before they are needed", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: { min: 1, max: 3, spare: 1, idleMs: 100 } });
  const long = pit.execute("pid", { seconds: 1 });
  await until(() => pit.stats().ready === 2);
  expect(pit.stats().queued).toBe(0);
  await long;
  await until(() => pit.stats().workers === 1);
}, 60_000);

test("recycling, reloading and scaling at once, under the load of 16 callers with sessions: no call fails", async () => {
  await using pit = await Snakepit.open({
    tools: lives,
    workers: { min: 1, max: 3, spare: 1, idleMs: 50 },
    recycle: { calls: 200, ageMs: 500 },
  });
  let isOver = false;
  const caller = async (_: unknown, index: number): Promise<void> => {
    await using session = await pit.session(`s${index}`);
    await session.variables.register("value", { type: "integer", value: index });
    while (!isOver) {
      expect(await session.execute<number>("recall")).toBe(index);
      await pit.execute("async_pid");
      await pit.execute("pid", { seconds: 0.001 });
      // A moment without calls, in which workers have nothing to do.
      if (Math.random() < 0.02) await new Promise((resolve) => setTimeout(resolve, 150));
    }
  };
  const callers = Promise.all(Array.from({ length: 16 }, caller));
  for (let round = 0; round < 5; round++) await pit.reload();
  await until(() => pit.stats().recycled >= 3);
  isOver = true;
  await callers;
  expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0, retried: 0 });
}, 60_000);
