import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { idOf, type VariableRecord } from "./records.ts";
import type { StoreEvent } from "./store.ts";
import { type Ended, WatchBuffer, type Watched } from "./watch-buffer.ts";

const record = (name: string, serial: number, version: number): VariableRecord => ({
  serial,
  name,
  type: "integer",
  value: version,
  constraints: "{}",
  metadata: {},
  version,
  source: { side: "typescript" },
  at: 0,
});
const set = (name: string, serial: number, version: number): StoreEvent => ({
  kind: "set",
  variable: record(name, serial, version),
  at: 0,
});
const deleted = (name: string, serial: number, version: number): StoreEvent => ({
  kind: "deleted",
  variable: record(name, serial, version),
  at: 0,
});
const show = (change: Watched | Ended | undefined): string =>
  change === undefined || change.kind === "ended"
    ? String(change?.kind)
    : `${change.kind} ${idOf(change.variable)} ${change.variable.version} +${change.coalesced}`;

function drain(buffer: WatchBuffer): string[] {
  const all: string[] = [];
  for (let next = buffer.take(); next !== undefined; next = buffer.take()) all.push(show(next));
  return all;
}

test("what happened before the first values were read is not told twice", () => {
  const buffer = new WatchBuffer(undefined, new Map());
  buffer.hear(set("a", 1, 4));
  buffer.hear(set("a", 1, 5));
  buffer.hear(deleted("b", 2, 7));
  buffer.hear(set("a", 1, 6));
  buffer.start([record("a", 1, 5)]);
  expect(drain(buffer)).toEqual(["set var_a_1 5 +0", "set var_a_1 6 +0"]);
});

test("a variable that went after the first values were read is told to be gone", () => {
  const buffer = new WatchBuffer(undefined, new Map());
  buffer.hear(deleted("a", 1, 5));
  buffer.start([record("a", 1, 5)]);
  expect(drain(buffer)).toEqual(["set var_a_1 5 +0", "deleted var_a_1 5 +0"]);
});

test("nothing goes backwards, not even to a variable that had the name before", () => {
  const buffer = new WatchBuffer(undefined, new Map());
  buffer.start([record("a", 5, 3)]);
  for (const event of [set("a", 5, 3), set("a", 5, 2), set("a", 4, 9), deleted("a", 4, 9)]) buffer.hear(event);
  expect(drain(buffer)).toEqual(["set var_a_5 3 +0"]);
});

test("versions that were never heard of are counted", () => {
  const buffer = new WatchBuffer(undefined, new Map());
  buffer.start([record("a", 1, 0)]);
  buffer.hear(set("a", 1, 5));
  buffer.hear(set("b", 2, 3));
  expect(drain(buffer)).toEqual(["set var_a_1 0 +0", "set var_a_1 5 +4", "set var_b_2 3 +3"]);
});

test("a watcher hears of waiting changes, of the end and of closing, once for each wish", () => {
  const buffer = new WatchBuffer(["a"], new Map());
  buffer.start([]);
  let woken = 0;
  const wish = () => buffer.whenReady(() => woken++);
  wish();
  buffer.hear(set("b", 1, 0));
  expect(woken).toBe(0);
  buffer.hear(set("a", 2, 0));
  buffer.hear(set("a", 2, 1));
  expect(woken).toBe(1);
  wish();
  expect(woken).toBe(2);
  drain(buffer);
  wish()();
  buffer.hear({ kind: "ended", at: 0 });
  expect(woken).toBe(2);
  wish();
  expect(woken).toBe(3);
  buffer.close();
  expect(show(buffer.take())).toBe("ended");
  expect(buffer.done).toBe(true);
});

test("variables that come and go unseen do not fill the buffer", () => {
  const buffer = new WatchBuffer(undefined, new Map(), 4);
  buffer.start([record("kept", 1, 0)]);
  for (let serial = 2; serial < 1_000; serial++) {
    buffer.hear(set(`v${serial}`, serial, 0));
    buffer.hear(deleted(`v${serial}`, serial, 0));
  }
  expect(drain(buffer).length).toBeLessThan(5);
});

type Step = { readonly take: true } | { readonly take: false; readonly name: string; readonly remove: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant({ take: true } as const) },
  {
    weight: 3,
    arbitrary: fc.record({ take: fc.constant(false as const), name: fc.constantFrom("a", "b", "c", "d"), remove: fc.boolean() }),
  },
);

describe("whatever happens and however slow the watcher is", () => {
  test("versions only rise, the last one told is the newest, and none that the watcher knew of goes uncounted", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 8 }), (steps, limit) => {
        const buffer = new WatchBuffer(undefined, new Map(), limit);
        buffer.start([]);
        const live = new Map<string, VariableRecord>();
        const told: (Watched | Ended)[] = [];
        let serial = 0;
        let changes = 0;
        for (const each of steps) {
          if (each.take) {
            const next = buffer.take();
            if (next !== undefined) told.push(next);
            continue;
          }
          const there = live.get(each.name);
          changes++;
          if (there !== undefined && each.remove) {
            live.delete(each.name);
            buffer.hear({ kind: "deleted", variable: there, at: 0 });
          } else {
            const next = there === undefined ? record(each.name, ++serial, 0) : record(each.name, there.serial, there.version + 1);
            live.set(each.name, next);
            buffer.hear({ kind: "set", variable: next, at: 0 });
          }
        }
        for (let next = buffer.take(); next !== undefined; next = buffer.take()) told.push(next);
        const last = new Map<string, Watched>();
        let counted = 0;
        for (const change of told) {
          if (change.kind === "ended") continue;
          counted += 1 + change.coalesced;
          const { name, serial: of, version } = change.variable;
          const before = last.get(name);
          if (before !== undefined) {
            const order = before.variable.serial - of || before.variable.version - version;
            expect(change.kind === "deleted" ? order <= 0 : order < 0).toBe(true);
          }
          last.set(name, change);
        }
        for (const [name, variable] of live) {
          expect(last.get(name)?.kind).toBe("set");
          expect(last.get(name)?.variable).toEqual(variable);
        }
        for (const [name, change] of last) if (!live.has(name)) expect(change.kind).toBe("deleted");
        // What came and went unseen is left out; everything else is told or counted.
        expect(counted).toBeLessThanOrEqual(changes);
        if (!steps.some((each) => !each.take && each.remove)) expect(counted).toBe(changes);
      }),
      { numRuns: 1_000 },
    );
  });
});
