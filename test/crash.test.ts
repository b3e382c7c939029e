/** Workers that die: what their calls are told, what is sent again, and that the pool is whole afterwards. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { kill } from "node:process";
import { Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { behaviour, collect, failure, Lines, processesOf, temporaryFolder, until } from "./pool.support.ts";

const scratch = (): string => join(temporaryFolder(), "file");
const quick = { retryBackoffMs: 20 };

describe("a worker that dies in a call", () => {
  test("fails it with exit code and last words, and is replaced without being asked", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
    await pit.execute("square", { n: 1 });
    const error = await failure(pit.execute("die", { code: 7 }));
    expect(error).toMatchObject({
      _tag: "WorkerCrashed",
      worker: "default-1",
      exitCode: 7,
      signal: null,
      oom: false,
      attempts: 1,
      retryable: false,
    });
    expect(error.stderr).toContain("goodbye");
    expect(await pit.execute<number>("square", { n: 5 })).toBe(25);
    expect(pit.stats()).toMatchObject({ crashes: 1, started: 2, retried: 0 });
  });

  test("by a signal names the signal", async () => {
    const lines = new Lines();
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
    const call = failure(pit.execute("work", { name: "victim", seconds: 60 }));
    await lines.said("victim began");
    await killWorker(pit);
    expect(await call).toMatchObject({ _tag: "WorkerCrashed", signal: "SIGKILL", exitCode: null });
    expect(await pit.execute<number>("square", { n: 5 })).toBe(25);
  });

  test("fails a stream that has begun, after the items that came", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, ...quick });
    const path = scratch();
    const items: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const item of pit.executeStream("count_and_die", { path, stop: 3 })) items.push(item);
      })(),
    );
    // It died before the first item, was begun again, and died after the last.
    expect(items).toEqual([0, 1, 2]);
    expect(error).toMatchObject({ _tag: "WorkerCrashed", attempts: 2 });
    expect(readFileSync(path, "utf8")).toBe("began\nbegan\n");
  });
});

describe("a call whose worker died", () => {
  test("is sent again when its tool is idempotent", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, ...quick });
    expect(await pit.execute<string>("die_once", { path: scratch() })).toBe("second time");
    expect(pit.stats()).toMatchObject({ retried: 1, succeeded: 1 });
  });

  test("is not sent again with retry never, and always is with retry always", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, ...quick });
    const never = await failure(pit.execute("die_once", { path: scratch() }, { retry: "never" }));
    expect(never).toMatchObject({ _tag: "WorkerCrashed", attempts: 1, retryable: true });
    expect(await failure(pit.execute("die", {}, { retry: "always" }))).toMatchObject({ _tag: "WorkerCrashed", attempts: 3 });
  });

  test("is poison when it has killed three workers, whatever stands in retries", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 2, retries: 10, ...quick });
    const path = scratch();
    const error = await failure(pit.execute("poison", { path }));
    expect(error).toMatchObject({ _tag: "WorkerCrashed", exitCode: 9, attempts: 3, retryable: false });
    expect(readFileSync(path, "utf8")).toBe("began\n".repeat(3));
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
  });

  test("is sent again without harm when it only shared its worker with one that kills", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1, ...quick });
    await pit.execute("square", { n: 1 });
    const path = scratch();
    const poison = failure(pit.execute("poison", { path }));
    const others = await Promise.all(Array.from({ length: 100 }, (_, n) => pit.execute<number>("square", { n })));
    expect(others).toEqual(Array.from({ length: 100 }, (_, n) => n * n));
    expect((await poison).attempts).toBe(3);
  });
});

test("killing workers fifty times during five thousand idempotent calls loses none", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, ...quick, onLog: () => {} });
  const calls = 5_000;
  const kills = 50;
  let done = 0;
  let next = 0;
  let killed = 0;
  const caller = async (): Promise<void> => {
    while (next < calls) {
      const n = next++;
      const tool = n % 3 === 0 ? "square_later" : "square";
      expect(await pit.execute<number>(tool, { n })).toBe(n * n);
      done++;
    }
  };
  const killer = async (): Promise<void> => {
    while (killed < kills) {
      const due = killed * (calls / (kills + 1));
      await until(() => done >= due);
      const alive = (await pit.workers()).filter((worker) => worker.pid > 0 && worker.status !== "draining");
      const victim = alive[killed % Math.max(1, alive.length)];
      if (victim === undefined) {
        await new Promise((resolve) => setImmediate(resolve));
        continue;
      }
      try {
        kill(victim.pid, "SIGKILL");
        killed++;
      } catch {
        // It had died before, and the pit has yet to hear of it.
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  };
  await Promise.all([killer(), ...Array.from({ length: 32 }, caller)]);
  expect(done).toBe(calls);
  expect(pit.stats().failed).toBe(0);
  await until(async () => (await pit.health()).status === "healthy");
}, 400_000);

describe("closing", () => {
  test("leaves no process and no file", async () => {
    const folder = temporaryFolder();
    const before = process.env["TMPDIR"];
    process.env["TMPDIR"] = folder;
    try {
      const pit = await Snakepit.open({ tools: behaviour, workers: 2 });
      await pit.ready();
      const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
      await pit.execute("children");
      await until(() => processesOf(run).length === 3);
      await pit.close();
      expect(processesOf(run)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      if (before === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = before;
    }
  });

  test("a crashed worker takes what it left in its group along", async () => {
    await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
    const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
    const child = await pit.execute<number>("children");
    await until(() => processesOf(run).includes(child));
    await killWorker(pit);
    await until(() => !processesOf(run).includes(child));
  });

  test("waits for running calls, refuses new ones, and may be done twice", async () => {
    const lines = new Lines();
    const pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });
    const running = pit.execute<string>("work", { name: "last", seconds: 0.3 });
    await lines.said("last began");
    const waiting = failure(pit.execute("square", { n: 1 }));
    const closing = Promise.all([pit.close(), pit.close()]);
    expect((await waiting)._tag).toBe("PoolClosed");
    expect((await failure(pit.execute("square", { n: 1 })))._tag).toBe("PoolClosed");
    expect(await running).toBe("last");
    await closing;
    expect((await pit.health()).status).toBe("closed");
    expect((await failure(collect(pit.executeStream("count", { stop: 1 }))))._tag).toBe("PoolClosed");
  });

  test("ends calls that go on past the grace period", async () => {
    const lines = new Lines();
    const pit = await Snakepit.open({ tools: behaviour, workers: 1, graceMs: 200, onLog: lines.onLog });
    const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
    const running = failure(pit.execute("stubborn"));
    await lines.said("stubborn began");
    await pit.close();
    expect((await running)._tag).toBe("PoolClosed");
    expect(processesOf(run)).toEqual([]);
  });
});
