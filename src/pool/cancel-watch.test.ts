import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { HealthResponseSchema } from "../gen/snakepit/v1/worker_pb.ts";
import type { Worker } from "../worker/worker.ts";
import { CancelWatch } from "./cancel-watch.ts";
import { TestingClock } from "./testing-clock.ts";

const GRACE_MS = 500;

/** A watch over a worker whose cancelled calls are these. */
function watched() {
  const clock = new TestingClock();
  const running = new Set<number>();
  let ignoredAt: number | undefined;
  const health = async () => create(HealthResponseSchema, { cancelled: running.size, cancelledCalls: [...running] });
  // Nothing else of the client is asked for.
  const worker = { client: { health }, interrupt() {} } as unknown as Worker;
  const watch = new CancelWatch(worker, GRACE_MS, clock, {
    onFree() {},
    onIgnored: () => {
      ignoredAt = clock.now();
    },
  });
  /** Lets time pass, with answers in between. */
  const pass = async (ms: number): Promise<void> => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
    clock.pass(ms);
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { clock, running, watch, pass, ignoredAt: () => ignoredAt };
}

test("one that ignores its cancel is found in time among others that are cancelled steadily and end", async () => {
  const { running, watch, pass, ignoredAt } = watched();
  running.add(1);
  watch.add(false);
  // Each of the others is there for 60 ms, and a new one comes every 20.
  for (let other = 2; ignoredAt() === undefined && other < 200; other++) {
    running.add(other);
    running.delete(other - 3 > 1 ? other - 3 : 0);
    watch.add(false);
    await pass(20);
  }
  expect(ignoredAt()).toBeGreaterThanOrEqual(GRACE_MS);
  expect(ignoredAt()).toBeLessThan(GRACE_MS + 100);
});

test("calls that are cancelled steadily and end cost no worker", async () => {
  const { running, watch, pass, ignoredAt } = watched();
  for (let other = 2; other < 200; other++) {
    running.add(other);
    running.delete(other - 3);
    watch.add(false);
    await pass(20);
  }
  expect(ignoredAt()).toBeUndefined();
  running.clear();
  await pass(100);
  await pass(100);
  expect(watch.pending).toBe(0);
});
