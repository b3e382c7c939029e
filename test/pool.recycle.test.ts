/** Workers that have done enough are replaced, and no call fails by it. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect } from "effect";
import type { Adapter } from "../src/adapter/adapter.ts";
import { python } from "../src/adapter/python.ts";
import { type PitEvent, Snakepit } from "../src/index.ts";
import { Lines, processesOf, temporaryFolder, toolFile, until } from "./pool.support.ts";

const lives = toolFile("lives");

test("after so many calls each worker is replaced, under the load of 16 callers, and no call fails", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: 2, recycle: { calls: 100 } });
  const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
  let most = 0;
  const caller = async (): Promise<void> => {
    while (pit.stats().recycled < 6) {
      await pit.execute("pid");
      await pit.execute("async_pid");
      most = Math.max(most, pit.stats().ready);
    }
  };
  await Promise.all(Array.from({ length: 16 }, caller));
  expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0, retried: 0 });
  // One at a time, each replaced before it goes.
  expect(most).toBeLessThanOrEqual(3);
  expect((await pit.health()).status).toBe("healthy");
  // Those that were replaced have ended.
  await until(() => processesOf(run).length <= 3);
}, 60_000);

test("a worker that is replaced ends its calls first, however long they last", async () => {
  const graceMs = 100;
  const path = join(temporaryFolder(), "end");
  await using pit = await Snakepit.open({ tools: lives, workers: 1, graceMs, recycle: { calls: 1 } });
  const first = await pit.execute<number>("pid");
  const [old] = await pit.workers();
  const long = pit.execute<number>("pid_after", { path });
  await until(async () => (await pit.workers()).some(({ id, status }) => id !== old?.id && status === "ready"));
  expect((await pit.workers()).find(({ id }) => id === old?.id)?.status).toBe("draining");
  // Whoever comes now goes to the new one at once, and stays there for longer than the grace period.
  expect(await pit.execute<number>("pid", { seconds: (3 * graceMs) / 1_000 })).not.toBe(first);
  writeFileSync(path, "");
  expect(await long).toBe(first);
  await until(async () => (await pit.workers()).every(({ id }) => id !== old?.id));
  expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0 });
}, 60_000);

test("a worker that has grown too large is replaced", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: 1, recycle: { memoryBytes: 300_000_000 } });
  const large = await pit.execute<number>("grow", { megabytes: 300 });
  await until(() => pit.stats().recycled === 1);
  expect(await pit.execute<number>("pid")).not.toBe(large);
  await until(async () => (await pit.workers()).every(({ memoryBytes }) => memoryBytes < 300_000_000));
  expect(pit.stats()).toMatchObject({ recycled: 1, crashes: 0 });
}, 60_000);

test("a worker that is old enough is replaced without having done anything", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: 1, recycle: { ageMs: 300 } });
  await until(() => pit.stats().recycled === 2);
  expect(pit.stats()).toMatchObject({ calls: 0, crashes: 0 });
  expect((await pit.health()).status).toBe("healthy");
}, 60_000);

for (const affinity of ["hint", "strict-queue"] as const) {
  test(`sessions of a worker that is replaced move, with their variables: ${affinity}`, async () => {
    const events: PitEvent[] = [];
    await using pit = await Snakepit.open({ tools: lives, workers: 2, recycle: { calls: 3 }, onEvent: (event) => events.push(event) });
    await using session = await pit.session("kept", { affinity });
    await session.variables.register("value", { type: "integer", value: 7 });
    const caller = async (): Promise<void> => {
      while (pit.stats().recycled < 4) expect(await session.execute<number>("recall")).toBe(7);
    };
    await Promise.all(Array.from({ length: 4 }, caller));
    expect(await session.execute<number>("recall")).toBe(7);
    expect(events.filter(({ type }) => type === "session.moved").length).toBeGreaterThanOrEqual(1);
    expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0 });
  }, 60_000);
}

test("a worker whose replacement does not start goes on", async () => {
  const lines = new Lines();
  let starts = 0;
  const failing: Adapter = {
    ...python,
    prepare: (options) =>
      python.prepare(options).pipe(
        Effect.map((launch) => ({
          ...launch,
          spawn: (order) => (++starts === 1 ? launch.spawn(order) : Effect.die(new Error("no process today"))),
        })),
      ),
  };
  await using pit = await Snakepit.open({ tools: lives, workers: 1, recycle: { calls: 1 }, adapter: failing, onLog: lines.onLog });
  const pid = await pit.execute<number>("pid");
  await until(() => starts === 2);
  await until(async () => (await pit.workers()).length === 1);
  expect(await pit.execute<number>("pid")).toBe(pid);
  expect(pit.stats()).toMatchObject({ recycled: 0, failed: 0 });
});
