import { describe, expect, test } from "bun:test";
import { collect, toolFile } from "../../test/pool.support.ts";
import { python } from "../adapter/python.ts";
import { isSnakepitError, Snakepit } from "../index.ts";
import { type FaultOptions, faulty, inMemory } from "../testing.ts";

const tools = inMemory({
  square: { idempotent: true, run: ({ n }) => Number(n) ** 2 },
  count: async function* ({ stop }) {
    for (let i = 0; i < Number(stop); i++) yield i;
  },
});

/** How calls end, one after the other, on one worker. */
async function history(faults: FaultOptions, calls: number, retry: "safe" | "never" = "never"): Promise<string[]> {
  await using pit = await Snakepit.open({
    tools: "none",
    workers: 1,
    adapter: faulty(tools, faults),
    retryBackoffMs: 1,
    // A beat is a frame too, and whether one comes in between is a matter of time.
    heartbeat: { intervalMs: 600_000, misses: 3 },
    onLog() {},
  });
  const ends: string[] = [];
  for (let n = 0; n < calls; n++) {
    ends.push(
      await pit.execute<number>("square", { n }, { retry }).then(
        (value) => (value === n * n ? "right" : `wrong: ${value}`),
        (error: unknown) => (isSnakepitError(error) ? error._tag : String(error)),
      ),
    );
  }
  return ends;
}

describe("a connection that breaks", () => {
  for (const fault of ["drop", "cut", "corrupt"] as const) {
    test(`${fault}: its call fails, and the next worker goes on`, async () => {
      const ends = await history({ seed: 1, [fault]: 0.02 }, 200);
      const failed = ends.filter((end) => end !== "right");
      expect(failed.length).toBeGreaterThan(0);
      expect(failed.filter((end) => end !== "WorkerCrashed" && end !== "ConnectionLost")).toEqual([]);
    });
  }

  test("calls that may run again do not notice", async () => {
    expect(await history({ seed: 2, drop: 0.01, cut: 0.01, corrupt: 0.01 }, 100, "safe")).toEqual(Array(100).fill("right"));
  });

  test("the same seed breaks the same calls, another one others", async () => {
    const faults = { drop: 0.02, cut: 0.02, duplicate: 0.1, delay: 0.1, delayMs: 1 };
    const first = await history({ seed: 7, ...faults }, 100);
    expect(first).toContain("WorkerCrashed");
    expect(await history({ seed: 7, ...faults }, 100)).toEqual(first);
    expect(await history({ seed: 8, ...faults }, 100)).not.toEqual(first);
  });
});

test("frames that are late or come twice change nothing", async () => {
  await using pit = await Snakepit.open({
    tools: "none",
    workers: 2,
    adapter: faulty(tools, { seed: 3, delay: 0.2, delayMs: 3, duplicate: 0.5 }),
  });
  const squares = await Promise.all(Array.from({ length: 300 }, (_, n) => pit.execute<number>("square", { n })));
  expect(squares).toEqual(Array.from({ length: 300 }, (_, n) => n * n));
  expect(await collect(pit.executeStream<number>("count", { stop: 100 }))).toEqual(Array.from({ length: 100 }, (_, n) => n));
  expect(pit.stats().crashes).toBe(0);
});

test("workers of Python are behind it as well", async () => {
  await using pit = await Snakepit.open({
    tools: toolFile("behaviour"),
    workers: 2,
    adapter: faulty(python, { seed: 5, drop: 0.01, corrupt: 0.01 }),
    retryBackoffMs: 1,
    // Calls that have to run alone wait until several workers have started, one after the other.
    timeoutMs: 60_000,
    queueTimeoutMs: 60_000,
    onLog() {},
  });
  // Which frames break depends on which of the workers connects first and on what it is sent.
  do {
    const squares = await Promise.all(Array.from({ length: 100 }, (_, n) => pit.execute<number>("square", { n })));
    expect(squares).toEqual(Array.from({ length: 100 }, (_, n) => n * n));
  } while (pit.stats().crashes === 0);
});

test("refuses what is no probability", () => {
  expect(() => faulty(tools, { drop: 1.5 })).toThrow('Option "drop" must be a probability from 0 to 1.');
  expect(() => faulty(tools, { drop: 0.6, cut: 0.6 })).toThrow("together at most 1");
  expect(() => faulty(tools, { seed: 0.5 })).toThrow('Option "seed" must be a whole number.');
});
