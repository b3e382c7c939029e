import { expect, test } from "bun:test";
import fc from "fast-check";
import { DeadlineScan } from "./deadlines.ts";
import { TestingClock } from "./testing-clock.ts";

interface Item {
  scanIndex: number;
  due: number;
}

function scanOf(clock: TestingClock, look: (item: Item, now: number) => void) {
  const scan = new DeadlineScan<Item>(clock, look);
  const add = (due: number): Item => {
    const item: Item = { scanIndex: -1, due };
    scan.add(item);
    return item;
  };
  return { scan, add };
}

test("what is due is looked at within 10 ms, and nothing before", () => {
  const times = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(times, (dues) => {
      const clock = new TestingClock();
      const looked: [number, number][] = [];
      const { scan, add } = scanOf(clock, (item, now) => {
        looked.push([item.due, now]);
        scan.remove(item);
      });
      for (const due of dues) add(due);
      clock.pass(300);
      expect(looked.map(([due]) => due).toSorted((a, b) => a - b)).toEqual(dues.toSorted((a, b) => a - b));
      for (const [due, now] of looked) {
        expect(now).toBeGreaterThanOrEqual(due);
        expect(now).toBeLessThan(due + 10);
      }
      expect(scan.size).toBe(0);
    }),
  );
});

test("one whose time becomes earlier is looked at then", () => {
  const clock = new TestingClock();
  const looked: number[] = [];
  const { scan, add } = scanOf(clock, (item, now) => {
    looked.push(now);
    scan.remove(item);
  });
  const item = add(1_000);
  clock.pass(100);
  item.due = 150;
  scan.by(150);
  clock.pass(100);
  expect(looked).toEqual([150]);
});

test("one that stays after a look is looked at again when it is due again", () => {
  const clock = new TestingClock();
  const looked: number[] = [];
  const { add } = scanOf(clock, (item, now) => {
    looked.push(now);
    item.due += 50;
  });
  add(20);
  clock.pass(125);
  expect(looked).toEqual([20, 70, 120]);
});
