import { expect, test } from "bun:test";
import { type PoolClock, realClock } from "./clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PoolOptions } from "./options.ts";
import { submit, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const batch = (maxSize: number, maxWaitMs: number) => ({ $typeName: "snakepit.v1.Batch", maxSize, maxWaitMs }) as const;
const tools = [
  { name: "embed", batch: batch(4, 2) },
  { name: "later", batch: batch(4, 2), asynchronous: true },
  { name: "eager", batch: batch(4, 0) },
  { name: "slow" },
];

/** A pool of workers that only take calls in, and its clock. */
function pool(workers: number, options: PoolOptions = {}) {
  const time = { now: 0 };
  const clock: PoolClock = { ...realClock, now: () => time.now };
  const dispatcher = testingDispatcher(options, undefined, clock);
  const there = Array.from({ length: workers }, (_, i) => new TestingWorker(`w${i}`, tools));
  for (const worker of there) dispatcher.admit(worker.worker);
  return { dispatcher, workers: there, time };
}

function call(dispatcher: Dispatcher, tool: string, times = 1): void {
  for (let i = 0; i < times; i++) submit(dispatcher, tool, () => {});
}

const counts = (workers: readonly TestingWorker[]): number[] => workers.map(({ calls }) => calls.length);

test.each(["embed", "later"])("calls gather in one worker until a batch is full, then in the next (%s)", (tool) => {
  const { dispatcher, workers } = pool(3);
  call(dispatcher, tool, 3);
  expect(counts(workers)).toEqual([3, 0, 0]);
  call(dispatcher, tool, 2);
  expect(counts(workers)).toEqual([4, 1, 0]);
  call(dispatcher, tool, 7);
  expect(counts(workers)).toEqual([4, 4, 4]);
});

test("a worker whose batch has started gets no more of it: the least loaded one collects", () => {
  const { dispatcher, workers, time } = pool(2);
  call(dispatcher, "embed", 3);
  time.now = 1.9;
  call(dispatcher, "embed");
  expect(counts(workers)).toEqual([4, 0]);
  time.now = 10;
  call(dispatcher, "embed", 2);
  time.now = 12;
  call(dispatcher, "embed");
  expect(counts(workers)).toEqual([4, 3]);
});

test("calls of a tool that waits for none are spread", () => {
  const { dispatcher, workers } = pool(2);
  call(dispatcher, "eager", 6);
  expect(counts(workers)).toEqual([3, 3]);
});

test("a worker that goes collects no more", () => {
  const { dispatcher, workers } = pool(2);
  call(dispatcher, "embed");
  dispatcher.workers[0]?.retire();
  call(dispatcher, "embed", 2);
  expect(counts(workers)).toEqual([1, 2]);
});

test.each([1, 3])("one batch for each of %i threads and one that collects are sent ahead; the others wait", (threads) => {
  const { dispatcher, workers } = pool(1, { threads });
  const most = 4 * (threads + 1);
  call(dispatcher, "embed", most + 5);
  expect([counts(workers), dispatcher.queued]).toEqual([[most], 5]);
  const [worker] = workers;
  for (const one of worker!.calls.slice(0, 4)) worker!.answer(one);
  expect([counts(workers), dispatcher.queued]).toEqual([[most], 1]);
});

test("a slow call goes behind no batch, and the calls of batches that come after it go behind the slow call", () => {
  const { dispatcher, workers } = pool(2);
  const [first, second] = workers as [TestingWorker, TestingWorker];
  call(dispatcher, "embed", 2);
  call(dispatcher, "slow");
  expect(counts(workers)).toEqual([2, 1]);
  call(dispatcher, "slow");
  call(dispatcher, "embed");
  expect(dispatcher.queued).toBe(2);
  for (const one of [...first.calls]) first.answer(one);
  expect(first.calls.map(({ tool }) => tool)).toEqual(["slow"]);
  expect(dispatcher.queued).toBe(1);
  for (const one of [...second.calls]) second.answer(one);
  expect(second.calls.map(({ tool }) => tool)).toEqual(["embed"]);
});
