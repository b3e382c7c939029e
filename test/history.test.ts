import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { faultsOf, type History, type Read, type Watched, type Write } from "./history.ts";

/** Three writes to `a`, one after the other, the last of a program that was killed. */
const writes: readonly Write[] = [
  { variable: "a", value: 10, invoked: 10, responded: 12, version: 1 },
  { variable: "a", value: 20, invoked: 20, responded: 22, version: 2, replacedValue: 10 },
  { variable: "a", value: 30, invoked: 30 },
];
const change = (version: number, value: number, at: number) => ({ variable: "a", version, value, at, coalesced: 0 });
const watched: Watched = {
  watcher: "watcher",
  complete: true,
  changes: [change(0, 0, 1), change(1, 10, 13), change(2, 20, 23), change(3, 30, 33)],
};
const good: History = {
  initial: { a: 0 },
  final: { a: { value: 30, version: 3 } },
  writes,
  reads: [
    { variable: "a", reader: "reader", value: 10, since: 13, responded: 14 },
    { variable: "a", reader: "reader", value: 20, version: 2, since: 21, responded: 25 },
    { variable: "a", reader: "other", version: 3, since: 30, responded: 40 },
  ],
  watched: [watched],
};
const read = (fields: Partial<Read>): Read => ({ variable: "a", reader: "late", since: 50, responded: 51, ...fields });
const changed = (changes: Watched["changes"], complete = true): History => ({ ...good, watched: [{ ...watched, complete, changes }] });

describe("a history", () => {
  test("that fits some order has no fault", () => {
    expect(faultsOf(good)).toEqual([]);
  });

  test("in which the writes that nobody heard of did not happen has no fault", () => {
    const { changes } = watched;
    expect(faultsOf({ ...changed(changes.slice(0, 3)), final: { a: { value: 20, version: 2 } }, reads: good.reads.slice(0, 2) })).toEqual(
      [],
    );
  });

  test("in which a write that nobody heard of was replaced unseen has no fault", () => {
    const more = [...writes, { variable: "a", value: 40, invoked: 40, responded: 41, version: 4 }];
    const seen = [change(0, 0, 1), change(1, 10, 13), change(2, 20, 23)];
    expect(faultsOf({ ...changed(seen, false), writes: more, final: { a: { value: 40, version: 4 } } })).toEqual([]);
  });

  const faulty: Readonly<Record<string, History>> = {
    "a: version 3 is lost: it ended with version 2": { ...good, final: { a: { value: 20, version: 2 } } },
    "a: version 2 is 20, and 21 when it ended": {
      ...changed(watched.changes.slice(0, 3)),
      final: { a: { value: 21, version: 2 } },
      reads: good.reads.slice(0, 1),
    },
    "a: late read version 1 when version 3 was there already": { ...good, reads: [...good.reads, read({ value: 10 })] },
    "a: late read version 2 when version 3 was there already": { ...good, reads: [...good.reads, read({ version: 2 })] },
    "a: reader read version 1 after version 2": { ...good, reads: [...good.reads, read({ reader: "reader", value: 10, since: 14 })] },
    "a: late read 31, which it never was": { ...good, reads: [...good.reads, read({ value: 31 })] },
    "a: version 2 (20) was asked for when version 2 was there already": {
      ...good,
      reads: [...good.reads, read({ value: 20, since: 15, responded: 16 })],
    },
    "a: version 3 (30) was asked for when version 3 was there already": {
      ...good,
      reads: [...good.reads, read({ value: 30, since: 24, responded: 26 })],
    },
    "a: version 2 was acknowledged twice": {
      ...good,
      writes: [...writes, { variable: "a", value: 21, invoked: 20, responded: 24, version: 2 }],
    },
    "a: 1 versions are nobody's, and only 0 writes may have made them": {
      ...changed(watched.changes.slice(0, 3), false),
      writes: [...writes, { variable: "a", value: 50, invoked: 40, responded: 41, version: 5 }],
      final: { a: { value: 50, version: 5 } },
      reads: [...good.reads, read({ value: 30, version: 3, since: 31, responded: 39 })],
    },
    "a: 1 writes were acknowledged that are none of the 3 versions, of which 0 are nobody's": {
      ...good,
      writes: [...writes, { variable: "a", value: 40, invoked: 40, responded: 41 }],
    },
    "a: nobody wrote 30, which is version 3": { ...good, writes: writes.slice(0, 2) },
    "a: version 2 (20) was to replace 0, and replaced 10": {
      ...good,
      writes: writes.map((each) => (each.value === 20 ? { ...each, replacedValue: 0 } : each)),
    },
    "a: version 2 (20) was to replace version 0": {
      ...good,
      writes: writes.map((each) => (each.value === 20 ? { ...each, replacedVersion: 0 } : each)),
    },
    "a: watcher saw version 1 after version 2": changed([change(2, 20, 23), change(1, 10, 24)], false),
    "a: watcher saw version 1 after version 1": changed([change(1, 10, 13), change(1, 10, 14)], false),
    "a: watcher saw version 2 after version 0": changed([change(0, 0, 1), change(2, 20, 23)], false),
    "a: watcher saw version 2 last, of 3": changed([change(1, 10, 13), change(2, 20, 23)]),
    "a: watcher was not given 2 changes before version 3": changed([{ ...change(3, 30, 33), coalesced: 2 }]),
    "a: version 1 is 10, and 11 when watcher saw it": changed([change(0, 0, 1), change(1, 11, 13)], false),
    "a: the value 10 was written twice, which tells nothing": { ...good, writes: [...writes, { variable: "a", value: 10, invoked: 1 }] },
  };
  for (const [sentence, history] of Object.entries(faulty)) {
    test(`is found out: ${sentence}`, () => {
      expect(faultsOf(history)).toContain(sentence);
    });
  }

  test("of one register that is told in full has no fault, and one with a version put elsewhere has", () => {
    // Each step is a write or a read at one moment, so the order of the steps is the order of the versions.
    const step = fc.record({ write: fc.boolean(), before: fc.nat({ max: 3 }), after: fc.nat({ max: 3 }) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 40 }), fc.nat(), (steps, chosen) => {
        let version = 0;
        const made: Write[] = [];
        const reads: Read[] = [];
        for (const [i, { write, before, after }] of steps.entries()) {
          const [invoked, responded] = [10 * i - before, 10 * i + after];
          if (write) made.push({ variable: "a", value: i + 1, invoked, responded, version: ++version });
          else reads.push({ variable: "a", reader: `${i}`, version, since: invoked, responded });
        }
        const final = { a: { value: made.at(-1)?.value ?? 0, version } };
        const history: History = { initial: { a: 0 }, final, writes: made, reads, watched: [] };
        expect(faultsOf(history)).toEqual([]);
        if (made.length < 2) return;
        const at = chosen % (made.length - 1);
        const swapped = made.map((each, i) => {
          if (i === at) return { ...each, version: each.version === undefined ? undefined : each.version + 1 };
          return i === at + 1 ? { ...each, version: each.version === undefined ? undefined : each.version - 1 } : each;
        });
        expect(faultsOf({ ...history, writes: swapped })).not.toEqual([]);
      }),
    );
  });
});
