import { expect, test } from "bun:test";
import fc from "fast-check";
import { PriorityQueue, type Queued } from "./queue.ts";

class Item implements Queued<Item> {
  line: Queued<Item>["line"];
  before: Item | undefined;
  after: Item | undefined;
  readonly name: string;
  readonly priority: number;
  constructor(name: string, priority: number) {
    this.name = name;
    this.priority = priority;
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
  for (const [name, priority] of [
    ["a", 0],
    ["b", 5],
    ["c", 0],
    ["d", -1],
    ["e", 5],
  ] as const) {
    queue.push(new Item(name, priority));
  }
  expect(queue.size).toBe(5);
  expect(drain(queue)).toEqual(["b", "e", "a", "c", "d"]);
  expect(queue.size).toBe(0);
});

test("whatever is pushed and removed, the rest leaves sorted by priority and age", () => {
  fc.assert(
    fc.property(fc.array(fc.record({ priority: fc.integer({ min: -2, max: 2 }), gone: fc.boolean() })), (plan) => {
      const queue = new PriorityQueue<Item>();
      const items = plan.map(({ priority }, i) => new Item(String(i), priority));
      for (const item of items) queue.push(item);
      for (const [i, item] of items.entries()) if (plan[i]?.gone) queue.remove(item);
      const left = items.filter((_, i) => !plan[i]?.gone);
      const sorted = left.toSorted((a, b) => b.priority - a.priority).map((item) => item.name);
      expect(drain(queue)).toEqual(sorted);
    }),
  );
});

test("removing what is in no queue changes nothing", () => {
  const queue = new PriorityQueue<Item>();
  const item = new Item("a", 0);
  queue.push(item);
  queue.remove(item);
  queue.remove(item);
  expect(queue.size).toBe(0);
});
