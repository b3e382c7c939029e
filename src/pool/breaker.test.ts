import { expect, test } from "bun:test";
import fc from "fast-check";
import { Breaker } from "./breaker.ts";

const settings = { failures: 3, withinMs: 100, openMs: 50 };

function opened(): Breaker<string> {
  const breaker = new Breaker<string>(settings);
  expect([0, 1, 2].map((now) => breaker.failed([], now))).toEqual([false, false, true]);
  return breaker;
}

test("it opens at the last of so many failures within the time that counts, and says how long", () => {
  const breaker = new Breaker<string>(settings);
  for (const [now, opens] of [
    [0, false],
    [1, false],
    [101, false],
    [102, false],
    [103, true],
  ] as const) {
    expect(breaker.admit("a", now)).toBe(0);
    expect(breaker.failed(["a"], now)).toBe(opens);
  }
  expect(breaker.admit("a", 110)).toBe(43);
  expect(breaker.state(152)).toBe("open");
  expect(breaker.state(153)).toBe("half-open");
});

test("half open, one call is let through at a time, and its answer closes it", () => {
  const breaker = opened();
  expect(breaker.admit("probe", 52)).toBe(0);
  expect(breaker.admit("other", 60)).toBe(50);
  breaker.answered("other");
  expect(breaker.state(60)).toBe("half-open");
  breaker.answered("probe");
  expect(breaker.state(60)).toBe("closed");
  expect(breaker.admit("other", 60)).toBe(0);
});

test("a probe that fails opens it again, one that is withdrawn makes room", () => {
  const breaker = opened();
  breaker.admit("withdrawn", 52);
  breaker.ended("withdrawn");
  expect(breaker.admit("failing", 53)).toBe(0);
  expect(breaker.failed(["old"], 54)).toBe(false);
  expect(breaker.failed(["old", "failing"], 60)).toBe(true);
  expect(breaker.admit("next", 61)).toBe(49);
  // The failures from before it opened are forgotten when it closes.
  expect(breaker.admit("next", 110)).toBe(0);
  breaker.answered("next");
  expect(breaker.failed([], 111)).toBe(false);
});

const steps = fc.record({
  afterMs: fc.nat({ max: 60 }),
  kind: fc.constantFrom("call", "call", "answer", "fail", "fail", "die", "leave"),
  at: fc.nat({ max: 7 }),
});

test("whatever happens, it lets calls through, none, or one at a time, by what has failed", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 60, size: "max" }), (plan) => {
      const breaker = new Breaker<number>(settings);
      const running: { readonly call: number; readonly isProbe: boolean }[] = [];
      const failures: number[] = [];
      let openedAt: number | undefined;
      let now = 0;
      let calls = 0;
      for (const { afterMs, kind, at } of plan) {
        now += afterMs;
        const isOpen = openedAt !== undefined && now < openedAt + settings.openMs;
        expect(breaker.state(now)).toBe(openedAt === undefined ? "closed" : isOpen ? "open" : "half-open");
        if (kind === "call") {
          const waitMs = breaker.admit(++calls, now);
          const mayGo = openedAt === undefined || (!isOpen && running.every(({ isProbe }) => !isProbe));
          expect(waitMs === 0).toBe(mayGo);
          if (openedAt !== undefined && isOpen) expect(waitMs).toBe(openedAt + settings.openMs - now);
          if (mayGo) running.push({ call: calls, isProbe: openedAt !== undefined });
          continue;
        }
        if (running.length === 0) continue;
        const gone = running.splice(at % running.length, kind === "die" ? 3 : 1);
        if (kind === "leave" || kind === "answer") {
          const [{ call, isProbe }] = gone as [(typeof gone)[number]];
          if (kind === "answer") breaker.answered(call);
          breaker.ended(call);
          if (kind === "answer" && isProbe) openedAt = undefined;
        } else {
          const opens = breaker.failed(
            gone.map(({ call }) => call),
            now,
          );
          for (const { call } of gone) breaker.ended(call);
          if (openedAt === undefined) failures.push(now);
          const recent = failures.filter((failedAt) => now - failedAt < settings.withinMs).length;
          expect(opens).toBe(openedAt === undefined ? recent >= settings.failures : gone.some(({ isProbe }) => isProbe));
          if (!opens) continue;
          openedAt = now;
          failures.length = 0;
        }
      }
    }),
    { numRuns: 1_000 },
  );
});
