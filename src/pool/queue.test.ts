import { expect, test } from "bun:test";
import fc from "fast-check";
import { FairQueue, type Queued } from "./queue.ts";

class Item implements Queued<Item> {
  turn: Queued<Item>["turn"];
  before: Item | undefined;
  after: Item | undefined;
  readonly name: string;
  readonly priority: number;
  readonly sessionId: string;
  readonly order: number;
  constructor(name: string, priority: number, order: number, sessionId = "") {
    this.name = name;
    this.priority = priority;
    this.order = order;
    this.sessionId = sessionId;
  }
}

function drain(queue: FairQueue<Item>, from = 1_000_000): string[] {
  const names: string[] = [];
  let now = from;
  for (let item = queue.first; item !== undefined; item = queue.first) {
    queue.take(item, ++now);
    names.push(item.name);
  }
  return names;
}

test("higher priorities leave first, equal ones in the order they came", () => {
  const queue = new FairQueue<Item>();
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

test("sessions take turns within a priority, and not across priorities", () => {
  const queue = new FairQueue<Item>();
  for (const [order, name] of ["a1", "a2", "a3", "b1", "c1", "c2"].entries()) queue.push(new Item(name, 0, order, name[0]));
  queue.push(new Item("a!", 1, 7, "a"));
  queue.push(new Item("a?", 1, 8, "a"));
  expect(drain(queue)).toEqual(["a!", "a?", "a1", "b1", "c1", "a2", "c2", "a3"]);
});

test("a call that is cancelled costs its session no turn", () => {
  const queue = new FairQueue<Item>();
  const items = ["a1", "a2", "b1"].map((name, order) => new Item(name, 0, order, name[0]));
  for (const item of items) queue.push(item);
  queue.remove(items[0]!);
  expect(drain(queue)).toEqual(["a2", "b1"]);
});

test("a call that was taken and comes back gives its session the turn back", () => {
  const queue = new FairQueue<Item>();
  const items = ["a1", "a2", "b1"].map((name, order) => new Item(name, 0, order, name[0]));
  for (const item of items) queue.push(item);
  queue.take(items[0]!, 10);
  queue.push(items[0]!);
  expect(drain(queue)).toEqual(["a1", "b1", "a2"]);
});

/** A thing that is pushed, perhaps removed, and perhaps pushed again. */
const plans = fc
  .record({ priority: fc.integer({ min: -2, max: 2 }), gone: fc.boolean(), back: fc.boolean() })
  .map(({ priority, gone, back }) => ({ priority, gone, back: gone && back }));

test("whatever is pushed and removed, the rest of one session leaves sorted by priority and age", () => {
  fc.assert(
    fc.property(fc.array(plans), (plan) => {
      const queue = new FairQueue<Item>();
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

const steps = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("push" as const), session: fc.nat({ max: 4 }), many: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constantFrom("take" as const, "remove" as const), at: fc.nat({ max: 20 }) }) },
);

test("while a session waits, no other is served twice before it", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 100, size: "max" }), (plan) => {
      const queue = new FairQueue<Item>();
      let count = 0;
      /** Who was served since a session has begun to wait, or was served itself, by session. */
      const since = new Map<string, Set<string>>();
      const waiting: Item[] = [];
      const forget = (item: Item): void => {
        waiting.splice(waiting.indexOf(item), 1);
        if (waiting.every(({ sessionId }) => sessionId !== item.sessionId)) since.delete(item.sessionId);
      };
      const take = (): void => {
        const item = queue.first;
        if (item === undefined) return;
        queue.take(item, ++count);
        expect(waiting.find(({ sessionId }) => sessionId === item.sessionId)).toBe(item);
        for (const [session, served] of since) {
          if (session === item.sessionId) continue;
          if (served.has(item.sessionId)) throw new Error(`${item.sessionId} was served twice while ${session} waited`);
          served.add(item.sessionId);
        }
        since.set(item.sessionId, new Set());
        forget(item);
      };
      for (const step of plan) {
        if (step.kind === "push") {
          for (let i = 0; i < step.many; i++) {
            const item = new Item(String(count), 0, ++count, `s${step.session}`);
            if (!since.has(item.sessionId)) since.set(item.sessionId, new Set());
            waiting.push(item);
            queue.push(item);
          }
        } else if (step.kind === "take") take();
        else {
          const item = waiting[step.at % Math.max(1, waiting.length)];
          if (item === undefined) continue;
          queue.remove(item);
          forget(item);
        }
        expect(queue.size).toBe(waiting.length);
      }
      while (queue.size > 0) take();
      expect(waiting).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test("removing what is in no queue changes nothing", () => {
  const queue = new FairQueue<Item>();
  const item = new Item("a", 0, 1);
  queue.push(item);
  queue.remove(item);
  queue.remove(item);
  expect(queue.size).toBe(0);
});
