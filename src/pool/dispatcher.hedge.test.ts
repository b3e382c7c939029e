/** Calls that are sent to a second worker because the first is slow. */
import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { ConnectionLost, ToolFailed, UnsupportedValue } from "../errors/index.ts";
import { BatchSchema } from "../gen/snakepit/v1/tool_pb.ts";
import type { CarriedCall, HostFunction } from "../tool/call.ts";
import { type HostCall, runHostCall } from "../tool/host-call.ts";
import type { UnaryCall } from "./call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PoolOptions } from "./options.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { SessionRoute } from "./session-route.ts";
import { TestingClock } from "./testing-clock.ts";
import { submit, TestingSession, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const tools = [
  { name: "again", idempotent: true },
  { name: "batched", asynchronous: true, idempotent: true, batch: create(BatchSchema, { maxSize: 4 }) },
];
const HEDGE_MS = 50;

interface Scene {
  readonly clock: TestingClock;
  readonly dispatcher: Dispatcher;
  readonly workers: readonly (readonly [own: TestingWorker, pooled: PooledWorker])[];
  readonly outcomes: unknown[];
  call(timeoutMs?: number, tool?: string): UnaryCall;
}

function scene(count = 2, options: PoolOptions = {}, onStart?: (call: CarriedCall) => void): Scene {
  const clock = new TestingClock();
  const dispatcher = testingDispatcher(options, undefined, clock);
  const workers = Array.from({ length: count }, (_, i) => {
    const own = new TestingWorker(`w${i + 1}`, tools, onStart);
    return [own, dispatcher.admit(own.worker)] as const;
  });
  const outcomes: unknown[] = [];
  const call = (timeoutMs = Number.POSITIVE_INFINITY, tool = "again"): UnaryCall =>
    submit(dispatcher, tool, (outcome) => outcomes.push(outcome), undefined, { hedgeMs: HEDGE_MS, timeoutMs, retry: "safe" });
  return { clock, dispatcher, workers, outcomes, call };
}

const settled = ({ dispatcher, workers }: Scene): void => {
  expect(dispatcher.live).toBe(0);
  for (const [own, { inFlight }] of workers) expect([own.calls.length, inFlight]).toEqual([0, 0]);
  expect(dispatcher.counts.calls).toBe(dispatcher.counts.succeeded + dispatcher.counts.failed);
};

test("a call without an answer goes to a second worker, and the first answer counts, whichever it is", () => {
  for (const winner of [0, 1]) {
    const own = scene();
    const { clock, dispatcher, workers, outcomes } = own;
    own.call();
    const on = (): number[] => workers.map(([worker]) => worker.calls.length);
    clock.pass(HEDGE_MS - 1);
    expect(on()).toEqual([1, 0]);
    clock.pass(20);
    expect(on()).toEqual([1, 1]);
    clock.pass(1_000);
    expect(on()).toEqual([1, 1]);
    const worker = workers[winner]![0];
    worker.answer(worker.calls[0]!, winner);
    expect(outcomes).toEqual([winner]);
    settled(own);
    expect(dispatcher.counts).toMatchObject({ calls: 1, succeeded: 1, failed: 0, hedged: 1, retried: 0 });
    // The thread of the one that was cancelled is watched until its code has ended.
    expect(workers.map(([, { cancelWatch }]) => cancelWatch.held)).toEqual(winner === 0 ? [0, 1] : [1, 0]);
    expect(workers.map(([, { calls }]) => calls)).toEqual([1, 1]);
  }
});

test("an error that the tool raises in the hedge is an answer", () => {
  const own = scene();
  own.call();
  own.clock.pass(HEDGE_MS + 20);
  const [worker] = own.workers[1]!;
  const raised = new ToolFailed({ tool: "again", type: "ValueError", detail: "no", traceback: "", causes: [] });
  worker.calls.splice(0)[0]!.onError(raised);
  expect(own.outcomes).toEqual([raised]);
  settled(own);
});

test("there is no hedge while no other worker is free or others wait, nor without budget, nor for a call that has one worker only", () => {
  const busy = scene(1);
  busy.call();
  busy.clock.pass(200);
  expect(busy.dispatcher.counts.hedged).toBe(0);
  // One that becomes free is found.
  const late = new TestingWorker("late", tools);
  busy.dispatcher.admit(late.worker);
  busy.clock.pass(20);
  expect(late.calls).toHaveLength(1);

  const poor = scene(4, { retryBudget: { ratio: 0, perSecond: 0, burst: 1 } });
  poor.call();
  poor.call();
  poor.clock.pass(HEDGE_MS + 20);
  expect(poor.dispatcher.counts.hedged).toBe(1);

  const bound = scene();
  const held = { route: new SessionRoute(new TestingSession("s", "strict-queue"), bound.dispatcher), object: undefined };
  submit(bound.dispatcher, "again", () => {}, held, { hedgeMs: HEDGE_MS });
  bound.clock.pass(HEDGE_MS + 20);
  expect(bound.workers.map(([{ calls }]) => calls.length)).toEqual([1, 0]);

  const nested = scene();
  const { signal } = new AbortController();
  const deadline = Number.POSITIVE_INFINITY;
  const host: HostCall = { depth: 1, run: "other", worker: "w", pool: "p", waiter: 1, sessionId: "", deadline, signal, over: false };
  runHostCall(host, () => nested.call());
  nested.clock.pass(HEDGE_MS + 20);
  expect(nested.dispatcher.counts.hedged).toBe(0);

  const batch = scene();
  batch.call(undefined, "batched");
  batch.clock.pass(HEDGE_MS + 20);
  expect(batch.dispatcher.counts.hedged).toBe(0);

  const suspect = scene();
  suspect.call().alone = true;
  suspect.clock.pass(HEDGE_MS + 20);
  expect(suspect.dispatcher.counts.hedged).toBe(0);

  const threads = scene(1, { threads: 2 });
  threads.call();
  threads.clock.pass(HEDGE_MS + 20);
  expect(threads.dispatcher.counts.hedged).toBe(0);

  // A worker that is free while others wait is kept for one of them.
  const crowded = scene();
  crowded.call();
  crowded.workers[1]![1].reserved = true;
  crowded.call();
  crowded.workers[1]![1].reserved = false;
  crowded.clock.pass(HEDGE_MS + 20);
  expect([crowded.dispatcher.queued, crowded.dispatcher.counts.hedged]).toEqual([1, 0]);
});

test("the death of either worker leaves the call to the other, and of both sends it again", () => {
  for (const first of [0, 1]) {
    const own = scene(2, { retryBackoffMs: 10 });
    const { clock, dispatcher, workers, outcomes } = own;
    own.call();
    clock.pass(HEDGE_MS + 20);
    const [dying, dead] = workers[first]!;
    const [other, last] = workers[1 - first]!;
    dispatcher.lose(dead, dying.end);
    expect([outcomes.length, dispatcher.live, other.calls.length, dispatcher.counts.retried]).toEqual([0, 1, 1, 0]);
    clock.pass(200);
    dispatcher.lose(last, other.end);
    expect(dispatcher.counts.retried).toBe(1);
    const third = new TestingWorker("w3", tools);
    dispatcher.admit(third.worker);
    clock.pass(200);
    third.answer(third.calls[0]!, "third");
    expect(outcomes).toEqual(["third"]);
    expect(dispatcher.live).toBe(0);
  }
});

test("a call that kills the workers of its hedges too is poison as soon as any other", () => {
  const { clock, dispatcher, workers, outcomes, call } = scene(2, { retryBackoffMs: 10 });
  call();
  clock.pass(HEDGE_MS + 20);
  for (const [own, pooled] of workers) dispatcher.lose(pooled, own.end);
  const third = new TestingWorker("w3", tools);
  const pooled = dispatcher.admit(third.worker);
  clock.pass(100);
  dispatcher.lose(pooled, third.end);
  expect(outcomes).toMatchObject([{ _tag: "WorkerCrashed", attempts: 3, retryable: false }]);
});

test("a hedge whose call has lost its own worker still answers it", () => {
  const own = scene();
  own.call();
  own.clock.pass(HEDGE_MS + 20);
  const [dying, dead] = own.workers[0]!;
  own.dispatcher.lose(dead, dying.end);
  const [hedging] = own.workers[1]!;
  hedging.answer(hedging.calls[0]!, "hedge");
  expect(own.outcomes).toEqual(["hedge"]);
  settled(own);
});

test("a cancel and a deadline end both", () => {
  const cancelled = scene();
  const call = cancelled.call();
  cancelled.clock.pass(HEDGE_MS + 20);
  cancelled.dispatcher.abandon(call, call.cancelled());
  expect(cancelled.outcomes).toMatchObject([{ _tag: "Cancelled" }]);
  settled(cancelled);
  const late = scene();
  late.call(200);
  late.clock.pass(250);
  expect(late.outcomes).toMatchObject([{ _tag: "CallTimeout", timeoutMs: 200 }]);
  settled(late);
});

test("a hedge that cannot be sent leaves its call alone", () => {
  let sent = 0;
  const own = scene(2, {}, () => {
    if (++sent === 2) throw new ConnectionLost({ worker: "w2", reason: "gone" });
  });
  own.call();
  own.clock.pass(HEDGE_MS + 20);
  expect(own.workers.map(([, { draining, inFlight }]) => [draining, inFlight])).toEqual([
    [false, 1],
    [true, 0],
  ]);
  const [worker] = own.workers[0]!;
  worker.answer(worker.calls[0]!, "alone");
  expect(own.outcomes).toEqual(["alone"]);
  expect(own.dispatcher.counts.hedged).toBe(0);
});

test("a call that ends while its arguments are read a second time is not sent again, and its functions are forgotten", () => {
  for (const failure of [undefined, new UnsupportedValue({ path: "$", reason: "no" })]) {
    const known = new Set<number>();
    let added = 0;
    const functions = {
      add: (): number => {
        known.add(++added);
        return added;
      },
      remove: (number: number) => void known.delete(number),
    };
    const clock = new TestingClock();
    const dispatcher = testingDispatcher({}, functions, clock);
    const controller = new AbortController();
    let reads = 0;
    const onStart = (call: CarriedCall): void => {
      call.hostFunction(() => 1);
      if (++reads === 1) return;
      controller.abort();
      call.hostFunction(() => 2);
      if (failure !== undefined) throw failure;
      expect(call.over).toBe(true);
    };
    const workers = ["w1", "w2"].map((id) => dispatcher.admit(new TestingWorker(id, tools, onStart).worker));
    const outcomes: unknown[] = [];
    const options = { hedgeMs: HEDGE_MS, signal: controller.signal };
    submit(dispatcher, "again", (outcome) => outcomes.push(outcome), undefined, options);
    clock.pass(HEDGE_MS + 20);
    expect(outcomes).toMatchObject([{ _tag: "Cancelled" }]);
    expect(dispatcher.counts).toMatchObject({ calls: 1, failed: 1, hedged: 0 });
    expect([...workers.map(({ inFlight }) => inFlight), known.size]).toEqual([0, 0, 0]);
  }
});

test("functions among the arguments are known to the hedge by numbers of its own, until it is over", () => {
  const clock = new TestingClock();
  const known = new Set<number>();
  let added = 0;
  const functions = {
    add: (_: HostFunction): number => {
      known.add(++added);
      return added;
    },
    remove: (number: number) => void known.delete(number),
  };
  const dispatcher = testingDispatcher({}, functions, clock);
  const workers = ["w1", "w2"].map((id) => new TestingWorker(id, tools, (call) => call.hostFunction(() => 1)));
  for (const { worker } of workers) dispatcher.admit(worker);
  submit(dispatcher, "again", () => {}, undefined, { hedgeMs: HEDGE_MS });
  clock.pass(HEDGE_MS + 20);
  expect([...known]).toEqual([1, 2]);
  workers[0]!.answer(workers[0]!.calls[0]!);
  expect(known.size).toBe(0);
});
