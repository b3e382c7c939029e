import { expect, test } from "bun:test";
import fc from "fast-check";
import { RetryBudget } from "./retry-budget.ts";

test("it begins full, and calls and time fill it again", () => {
  const budget = new RetryBudget({ ratio: 0.5, perSecond: 10, burst: 2 }, 1_000);
  const take = (now: number, calls: number): boolean => budget.take(now, calls);
  expect([take(1_000, 0), take(1_000, 0), take(1_000, 0)]).toEqual([true, true, false]);
  expect([take(1_000, 2), take(1_000, 2)]).toEqual([true, false]);
  expect([take(1_100, 2), take(1_100, 2)]).toEqual([true, false]);
  expect([take(9_000, 100), take(9_000, 100), take(9_000, 100)]).toEqual([true, true, false]);
});

test("however retries come, there are never more than the burst, the share of the calls and the minimum allow", () => {
  const step = fc.record({ ms: fc.nat({ max: 500 }), calls: fc.nat({ max: 20 }), retries: fc.nat({ max: 20 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const settings = { ratio: 0.2, perSecond: 3, burst: 5 };
      const budget = new RetryBudget(settings, 0);
      let now = 0;
      let calls = 0;
      const moments = [{ now: 0, calls: 0, taken: 0 }];
      let taken = 0;
      for (const step of steps) {
        now += step.ms;
        calls += step.calls;
        for (let i = 0; i < step.retries; i++) if (budget.take(now, calls)) taken++;
        for (const since of moments) {
          const allowed = settings.burst + (calls - since.calls) * settings.ratio + ((now - since.now) / 1_000) * settings.perSecond;
          expect(taken - since.taken).toBeLessThanOrEqual(allowed + 1e-6);
        }
        moments.push({ now, calls, taken });
      }
    }),
  );
});
