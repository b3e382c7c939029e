import { expect, test } from "bun:test";
import fc from "fast-check";
import { PriorityQueue, type Queued } from "./queue.ts";

class Item implements Queued<Item> {
  line: Queued<Item>["line"];
  before: Item | undefined;
  after: Item | undefined;
  readonly name: string;
  readonly priority: number;
  readonly order: number;
  constructor(name: string, priority: number, order: number) {
    this.name = name;
    this.priority = priority;
    this.order = order;
  }
}

function drain(queue: PriorityQueue<Item>): string[] {
  const names: string[] = [];
  for (let item = queue.first; item !== undefined; item = queue.first) {
    queue.remove(item);
    names.push(item.name);
  }
  return names;
}

test("higher priorities leave first, equal ones in the order they came", () => {
  const queue = new PriorityQueue<Item>();
  for (const [name, priority, order] of [
    ["a", 0, 1],
    ["b", 5, 2],
    ["c", 0, 3],
    ["d", -1, 4],
    ["e", 5, 5],
  ] as const) {
    queue.push(new Item(name, priority, order));
  }
  expect(queue.size).toBe(5);
  expect(drain(queue)).toEqual(["b", "e", "a", "c", "d"]);
  expect(queue.size).toBe(0);
});

/** A thing that is pushed, perhaps removed, and perhaps pushed again. */
const plans = fc
  .record({ priority: fc.integer({ min: -2, max: 2 }), gone: fc.boolean(), back: fc.boolean() })
  .map(({ priority, gone, back }) => ({ priority, gone, back: gone && back }));

test("whatever is pushed and removed, the rest leaves sorted by priority and age", () => {
  fc.assert(
    fc.property(fc.array(plans), (plan) => {
      const queue = new PriorityQueue<Item>();
      const items = plan.map(({ priority }, i) => new Item(String(i), priority, i));
      for (const item of items) queue.push(item);
      for (const [i, item] of items.entries()) if (plan[i]?.gone) queue.remove(item);
      // What comes back stands where it stood.
      for (const [i, item] of items.entries()) if (plan[i]?.back) queue.push(item);
      const left = items.filter((_, i) => !plan[i]?.gone || plan[i]?.back);
      const sorted = left.toSorted((a, b) => b.priority - a.priority).map((item) => item.name);
      expect(queue.all().map((item) => item.name)).toEqual(sorted);
      expect(drain(queue)).toEqual(sorted);
    }),
  );
});

test("removing what is in no queue changes nothing", () => {
  const queue = new PriorityQueue<Item>();
  const item = new Item("a", 0, 1);
  queue.push(item);
  queue.remove(item);
  queue.remove(item);
  expect(queue.size).toBe(0);
});
