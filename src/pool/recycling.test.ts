import { expect, test } from "bun:test";
import fc from "fast-check";
import { isDue, replacedTogether, type WorkerUse } from "./recycling.ts";

const use = (options: Partial<WorkerUse>): WorkerUse => ({ calls: 0, ageMs: 0, memoryBytes: 0, jitter: 0, ...options });

test("a worker is due by what was asked for, and by nothing else", () => {
  expect(isDue({}, use({ calls: 1e9, ageMs: 1e9, memoryBytes: 1e12 }))).toBe(false);
  expect(isDue({ calls: 10 }, use({ calls: 9, ageMs: 1e9 }))).toBe(false);
  expect(isDue({ calls: 10 }, use({ calls: 10 }))).toBe(true);
  expect(isDue({ memoryBytes: 1_000 }, use({ memoryBytes: 999 }))).toBe(false);
  expect(isDue({ memoryBytes: 1_000 }, use({ memoryBytes: 1_000 }))).toBe(true);
});

test("no worker gets older than its age, none goes before four fifths of it, and they do not go together", () => {
  const jitter = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(jitter, fc.integer({ min: 1, max: 1_000_000 }), (jitter, ageMs) => {
      expect(isDue({ ageMs }, use({ ageMs, jitter }))).toBe(true);
      expect(isDue({ ageMs }, use({ ageMs: ageMs * 0.79, jitter }))).toBe(false);
    }),
  );
  expect(isDue({ ageMs: 100 }, use({ ageMs: 90, jitter: 1 }))).toBe(true);
  expect(isDue({ ageMs: 100 }, use({ ageMs: 90, jitter: 0 }))).toBe(false);
});

test("a quarter of a pool is replaced at a time, one of a small one", () => {
  expect([1, 4, 7, 8, 16].map(replacedTogether)).toEqual([1, 1, 1, 2, 4]);
});
