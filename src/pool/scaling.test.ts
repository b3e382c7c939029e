import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { change, type Load, type Scaling } from "./scaling.ts";

const scaling = (options: Partial<Scaling>): Scaling => ({ min: 1, max: 8, spare: 0, idleMs: 1_000, ...options });
const load = (options: Partial<Load>): Load => ({ ready: 1, starting: 0, busy: 0, lapsed: 0, queued: 0, ...options });

describe("how many workers a pool is to have", () => {
  test.each([
    ["nothing to do", {}, {}, 0],
    ["all busy, nobody waits", {}, { busy: 1 }, 0],
    ["one call waits", {}, { busy: 1, queued: 1 }, 1],
    ["many calls wait: as many as there are", {}, { ready: 3, busy: 3, queued: 100 }, 3],
    ["many calls wait, enough start already", {}, { ready: 3, busy: 3, starting: 3, queued: 100 }, 0],
    ["up to the most there may be", {}, { ready: 6, busy: 6, queued: 100 }, 2],
    ["no more than that", {}, { ready: 8, busy: 8, queued: 100 }, 0],
    ["calls wait for a certain worker, others are free", {}, { ready: 2, busy: 1, queued: 5 }, 0],
    ["the first call of a pool at zero", { min: 0 }, { ready: 0, queued: 1 }, 1],
    ["many calls of a pool at zero: one worker shows that it starts", { min: 0 }, { ready: 0, queued: 50 }, 1],
    ["a spare one", { spare: 1 }, { busy: 1 }, 1],
    ["a spare one that is there", { spare: 1 }, { ready: 2, busy: 1, lapsed: 1 }, 0],
    ["one idle for long", {}, { ready: 4, lapsed: 3 }, -1],
    ["one idle for long, but calls wait", {}, { ready: 4, lapsed: 3, queued: 1 }, 0],
    ["the fewest there may be", {}, { ready: 1, lapsed: 1 }, 0],
    ["to zero", { min: 0 }, { ready: 1, lapsed: 1 }, -1],
    ["below the fewest, after some were given up", { min: 3 }, { ready: 1 }, 2],
  ] satisfies [string, Partial<Scaling>, Partial<Load>, number][])("%s", (_, options, now, by) => {
    expect(change(scaling(options), load(now))).toBe(by);
  });
});

const scalings = fc
  .record({ min: fc.nat(6), more: fc.integer({ min: 1, max: 10 }), spare: fc.nat(4) })
  .map(({ min, more, spare }) => scaling({ min, max: min + more, spare }));
/** Loads that a pool of this scaling can have. */
const situations = scalings.chain((options) =>
  fc
    .record({
      ready: fc.nat(options.max),
      starting: fc.nat(options.max),
      busy: fc.nat(options.max),
      lapsed: fc.nat(options.max),
      queued: fc.nat(40),
    })
    .map(({ ready, starting, busy, lapsed, queued }) => {
      const working = Math.min(busy, ready);
      return [
        options,
        { ready, starting: Math.min(starting, options.max - ready), busy: working, lapsed: Math.min(lapsed, ready - working), queued },
      ] as const;
    }),
);
const size = ({ ready, starting }: Load): number => ready + starting;

describe("whatever the load", () => {
  test("there are never fewer or more than asked for", () => {
    fc.assert(
      fc.property(situations, ([options, now]) => {
        const after = size(now) + change(options, now);
        expect(after).toBeLessThanOrEqual(options.max);
        expect(after).toBeGreaterThanOrEqual(Math.min(options.min, size(now) + 1));
        if (size(now) >= options.min) expect(after).toBeGreaterThanOrEqual(options.min);
      }),
    );
  });

  test("what is decided is enough: nothing more follows before anything has changed", () => {
    fc.assert(
      fc.property(situations, ([options, now]) => {
        const by = change(options, now);
        if (by > 0) expect(change(options, { ...now, starting: now.starting + by })).toBe(0);
        // The one that goes was idle for long.
        if (by < 0) expect(change(options, { ...now, ready: now.ready - 1, lapsed: now.lapsed - 1 })).toBeLessThanOrEqual(0);
      }),
    );
  });

  test("waiting calls at most double the pool", () => {
    fc.assert(
      fc.property(situations, ([options, now]) => {
        const { min, spare } = options;
        const by = change(options, now);
        if (by > 0 && size(now) >= Math.max(min, now.busy + spare)) expect(now.starting + by).toBeLessThanOrEqual(Math.max(1, now.ready));
      }),
    );
  });

  test("none goes that works, is spare, or while calls wait", () => {
    fc.assert(
      fc.property(situations, ([options, now]) => {
        if (change(options, now) >= 0) return;
        expect(now.queued).toBe(0);
        expect(now.lapsed).toBeGreaterThan(0);
        expect(size(now)).toBeGreaterThan(now.busy + options.spare);
      }),
    );
  });

  test("a burst is served by as many workers as it needs, and then they go again", () => {
    fc.assert(
      fc.property(scalings, fc.integer({ min: 1, max: 60 }), (options, calls) => {
        let ready = options.min;
        let queued = calls;
        for (let turn = 0; turn < 20; turn++) {
          const starting = Math.max(0, change(options, { ready, starting: 0, busy: ready, lapsed: 0, queued }));
          // A call for each that was started.
          queued = Math.max(0, queued - starting);
          ready += starting;
        }
        expect(ready === options.max || queued === 0).toBe(true);
        for (let turn = 0; turn < 20; turn++) ready += change(options, { ready, starting: 0, busy: 0, lapsed: ready, queued: 0 });
        expect(ready).toBe(Math.min(options.max, Math.max(options.min, options.spare)));
      }),
    );
  });
});
