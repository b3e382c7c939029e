import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import fc from "fast-check";
import { Telemetry } from "../telemetry/telemetry.ts";
import { Latencies } from "./latencies.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const told = async (): Promise<void> => {
  for (let n = 0; n < 3; n++) await Promise.resolve();
};
const ended = (telemetry: Telemetry, durationMs: number, pool = "p"): void =>
  telemetry.say({
    type: "call.finished",
    pool,
    tool: "t",
    session: "",
    call: 1,
    outcome: "succeeded",
    error: undefined,
    worker: "w",
    attempts: 1,
    durationMs,
    queuedMs: 0,
    ranUs: 0,
  });

test("nothing is known before somebody asks, and calls tell nothing until then", async () => {
  const telemetry = new Telemetry();
  const latencies = new Latencies(telemetry);
  expect(telemetry.active).toBe(false);
  expect(latencies.of("p")).toEqual({ callsPerSecond: 0, p50Ms: 0, p95Ms: 0, p99Ms: 0 });
  expect(telemetry.active).toBe(true);
  ended(telemetry, 5);
  await told();
  expect(latencies.of("p").p50Ms).toBeCloseTo(5, 0);
  expect(latencies.of("other").p50Ms).toBe(0);
  latencies.close();
  expect(telemetry.active).toBe(false);
});

test("whatever the durations, a percentile is within 4 % of what it was", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.double({ min: 0.01, max: 100_000, noNaN: true }), { minLength: 1, maxLength: 200 }), async (durations) => {
      const telemetry = new Telemetry();
      const latencies = new Latencies(telemetry);
      latencies.of("p");
      for (const duration of durations) ended(telemetry, duration);
      await told();
      const { p50Ms, p99Ms } = latencies.of("p");
      const sorted = durations.toSorted((one, other) => one - other);
      const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
      expect(Math.abs(p50Ms / at(0.5) - 1)).toBeLessThan(0.04);
      expect(Math.abs(p99Ms / at(0.99) - 1)).toBeLessThan(0.04);
      latencies.close();
    }),
    { numRuns: 50 },
  );
});

test("what is older than ten seconds is forgotten, and listening ends some time after the last question", async () => {
  const telemetry = new Telemetry();
  const latencies = new Latencies(telemetry);
  latencies.of("p");
  ended(telemetry, 5);
  await told();
  jest.advanceTimersByTime(9_000);
  expect(latencies.of("p").p50Ms).toBeGreaterThan(0);
  jest.advanceTimersByTime(2_000);
  expect(latencies.of("p").p50Ms).toBe(0);
  jest.advanceTimersByTime(15_000);
  expect(telemetry.active).toBe(false);
});

test("whoever watches keeps it going, however seldom it looks", () => {
  const telemetry = new Telemetry();
  const latencies = new Latencies(telemetry);
  const release = latencies.keep();
  jest.advanceTimersByTime(100_000);
  expect(telemetry.active).toBe(true);
  release();
  jest.advanceTimersByTime(15_000);
  expect(telemetry.active).toBe(false);
});
