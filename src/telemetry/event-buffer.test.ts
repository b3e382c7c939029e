import { expect, test } from "bun:test";
import fc from "fast-check";
import type { PitEvent } from "./event.ts";
import { EventBuffer, KEPT_EVENTS } from "./event-buffer.ts";

const event = (time: number): PitEvent => ({ type: "worker.busy", pool: "p", worker: "w", time });

test("whatever the turns of writing and reading, every event is given once, in order, or counted as dropped", async () => {
  const turns = fc.array(fc.record({ write: fc.oneof(fc.nat(50), fc.nat(3 * KEPT_EVENTS)), read: fc.nat(2 * KEPT_EVENTS) }), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(turns, async (all) => {
      const buffer = new EventBuffer();
      let written = 0;
      let next = 0;
      let waiting = 0;
      const take = async (): Promise<boolean> => {
        const { value, done } = await buffer.next();
        if (done) return false;
        if (value.type === "dropped") {
          expect(value.count).toBeGreaterThan(0);
          next += value.count;
        } else expect(value.time).toBe(next++);
        return true;
      };
      for (const { write, read } of all) {
        for (let n = 0; n < write; n++) buffer.add(event(written++));
        waiting = Math.min(KEPT_EVENTS, written - next);
        for (let n = 0; n < Math.min(read, waiting); n++) await take();
      }
      buffer.end();
      buffer.add(event(-1));
      while (await take());
      expect(next).toBe(written);
    }),
    { numRuns: 40 },
  );
});

test("a reader that waits gets the next event, and the end when there is none", async () => {
  const buffer = new EventBuffer();
  const [first, second, third] = [buffer.next(), buffer.next(), buffer.next()];
  buffer.add(event(1));
  buffer.add(event(2));
  buffer.end();
  expect(await Promise.all([first, second, third])).toMatchObject([{ value: { time: 1 } }, { value: { time: 2 } }, { done: true }]);
});

test("a reader that leaves is heard of, and what it had is gone", async () => {
  let left = 0;
  const buffer = new EventBuffer(() => left++);
  buffer.add(event(1));
  for await (const { time } of buffer) if (time === 1) break;
  buffer.add(event(2));
  expect([left, await buffer.next()]).toEqual([1, { value: undefined, done: true }]);
});
