import { expect, spyOn, test } from "bun:test";
import { BusyPoll } from "./busy-poll.ts";

/** Whether each of so many messages was followed by looking, when nothing comes. */
async function looks(poll: BusyPoll, times: number, onLook: () => void = () => {}): Promise<boolean[]> {
  const seen: boolean[] = [];
  for (let i = 0; i < times; i++) {
    using scheduled = spyOn(globalThis, "setImmediate");
    poll.sent();
    const looked = scheduled.mock.calls.length > 0;
    seen.push(looked);
    if (looked) onLook();
    // It goes round by immediates of its own, until it finds something or gives up.
    for (let before = -1; before !== scheduled.mock.calls.length; ) {
      before = scheduled.mock.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
  return seen;
}

const gapsOf = (seen: readonly boolean[]): number[] => {
  const at = seen.flatMap((looked, i) => (looked ? [i] : []));
  return at.slice(1).map((i, before) => i - at[before]! - 1);
};

test("looks in vain are left out more and more", async () => {
  expect(gapsOf(await looks(new BusyPoll(), 260)).slice(0, 7)).toEqual([1, 3, 7, 15, 31, 63, 63]);
});

test("a look that finds something is followed by the next", async () => {
  const poll = new BusyPoll();
  await looks(poll, 6);
  expect(await looks(poll, 10, () => poll.came())).toEqual(Array.from({ length: 10 }, () => true));
  expect(await looks(poll, 4)).toEqual([true, false, true, false]);
});

test("answers and messages in one turn of the loop are looked for once", () => {
  const poll = new BusyPoll();
  using scheduled = spyOn(globalThis, "setImmediate");
  for (let i = 0; i < 10; i++) {
    poll.sent();
    poll.came();
  }
  poll.sent();
  expect(scheduled.mock.calls.length).toBe(1);
  poll.came();
});

test("what comes when nobody looks changes nothing", async () => {
  const poll = new BusyPoll();
  await looks(poll, 1);
  poll.came();
  expect(await looks(poll, 2)).toEqual([false, true]);
});
