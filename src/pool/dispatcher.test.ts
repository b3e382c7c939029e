import { expect, test } from "bun:test";
import { UnsupportedValue, WorkerStartFailed } from "../errors/index.ts";
import type { HostFunction } from "../tool/call.ts";
import { currentHostCall, type HostCall, runHostCall } from "../tool/host-call.ts";
import { UnaryCall } from "./call.ts";
import { SessionRoute } from "./session-route.ts";
import { submit, TestingSession, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const tools = [{ name: "slow" }, { name: "later", asynchronous: true }, { name: "again", idempotent: true }];

/** A call of a host tool that a call on `worker` waits for. */
function hostCall(worker: string, fields: Partial<HostCall> = {}): HostCall {
  const { signal } = new AbortController();
  return {
    depth: 1,
    run: "",
    worker,
    pool: "default",
    waiter: 7,
    sessionId: "",
    deadline: Number.POSITIVE_INFINITY,
    signal,
    over: false,
    ...fields,
  };
}

const ignore = (): void => {};

test("a place that cannot be filled while another has its worker does not fail the calls that come back when that one dies", async () => {
  const dispatcher = testingDispatcher({ retryBackoffMs: 1 });
  const first = new TestingWorker("first", tools);
  const pooled = dispatcher.admit(first.worker);
  dispatcher.despair(new WorkerStartFailed({ worker: "second", reason: "no luck", type: "", traceback: "", stderr: [] }));
  const entry = dispatcher.catalog.find("again", false);
  if (entry instanceof Error) throw entry;
  const result = new Promise((resolve, reject) => {
    dispatcher.submit(new UnaryCall(dispatcher, entry, {}, 30_000, "safe", undefined, resolve, reject));
  });
  dispatcher.lose(pooled, first.end);
  const replacement = new TestingWorker("third", tools);
  dispatcher.admit(replacement.worker);
  while (replacement.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  for (const call of replacement.calls) replacement.answer(call, "answered");
  expect(await result).toBe("answered");
  await dispatcher.close();
});

test("a host tool's call goes to the worker that waits for the tool when no other is idle, and takes no thread there", () => {
  const dispatcher = testingDispatcher();
  const only = new TestingWorker("only", tools);
  const pooled = dispatcher.admit(only.worker);
  submit(dispatcher, "slow", ignore);
  runHostCall(hostCall("only"), () => submit(dispatcher, "slow", ignore));
  expect(only.calls.map(({ depth, waiter }) => [depth, waiter])).toEqual([
    [0, 0],
    [1, 7],
  ]);
  const [outer, inner] = only.calls;
  only.answer(inner!);
  // The thread is still the outer call's.
  submit(dispatcher, "slow", ignore);
  expect(dispatcher.queued).toBe(1);
  only.answer(outer!);
  expect(dispatcher.queued).toBe(0);
  expect(pooled.inFlight).toBe(1);
});

test("a host tool's call goes to an idle worker when there is one, as a call of its own", () => {
  const dispatcher = testingDispatcher();
  const [waiting, idle] = ["waiting", "idle"].map((id) => new TestingWorker(id, tools));
  dispatcher.admit(waiting!.worker);
  submit(dispatcher, "slow", ignore);
  dispatcher.admit(idle!.worker);
  runHostCall(hostCall("waiting"), () => submit(dispatcher, "slow", ignore));
  expect(idle!.calls.map(({ depth, waiter }) => [depth, waiter])).toEqual([[1, 0]]);
});

test("two host tools whose calls could stand behind each other's go back where they came from", () => {
  const dispatcher = testingDispatcher();
  const [left, right] = ["left", "right"].map((id) => new TestingWorker(id, tools));
  const calls = [left!, right!].map((worker) => {
    dispatcher.admit(worker.worker);
    const call = submit(dispatcher, "slow", ignore);
    expect(worker.calls).toHaveLength(1);
    return call;
  });
  // From here on it is known to be quick, and more of it is sent ahead to a worker that seems to have room.
  for (const call of calls) call.entry.pace.add(10);
  left!.answer(calls[0]!);
  right!.answer(calls[1]!);
  submit(dispatcher, "slow", ignore);
  submit(dispatcher, "slow", ignore);
  runHostCall(hostCall("left"), () => submit(dispatcher, "slow", ignore));
  runHostCall(hostCall("right"), () => submit(dispatcher, "slow", ignore));
  for (const worker of [left!, right!]) expect(worker.calls.map(({ waiter }) => waiter)).toEqual([0, 7]);
});

test("a host tool's call finds the worker that waits further up the chain", () => {
  const dispatcher = testingDispatcher();
  const only = new TestingWorker("only", tools);
  dispatcher.admit(only.worker);
  submit(dispatcher, "slow", ignore);
  const parent = hostCall("only", { waiter: 3 });
  runHostCall(hostCall("elsewhere", { pool: "other", depth: 2, parent }), () => submit(dispatcher, "slow", ignore));
  expect(only.calls.map(({ depth, waiter }) => [depth, waiter])).toEqual([
    [0, 0],
    [2, 3],
  ]);
});

test("a worker of the same name in another pit is not taken for the one that waits", () => {
  const dispatcher = testingDispatcher();
  const namesake = new TestingWorker("only", tools);
  dispatcher.admit(namesake.worker);
  submit(dispatcher, "slow", ignore);
  runHostCall(hostCall("only", { run: "another pit" }), () => submit(dispatcher, "slow", ignore));
  expect(namesake.calls).toHaveLength(1);
  expect(dispatcher.queued).toBe(1);
});

test("a call that ends while its arguments are read counts once, and its functions are forgotten", () => {
  const known = new Set<number>();
  let added = 0;
  const functions = {
    add(): number {
      known.add(++added);
      return added;
    },
    remove: (number: number) => void known.delete(number),
  };
  for (const failure of [undefined, new UnsupportedValue({ path: "$", reason: "no" })]) {
    const dispatcher = testingDispatcher({}, functions);
    const controller = new AbortController();
    const worker = new TestingWorker("w", tools, (call) => {
      call.hostFunction(ignore);
      controller.abort();
      call.hostFunction(ignore);
      if (failure !== undefined) throw failure;
      expect(call.over).toBe(true);
    });
    const pooled = dispatcher.admit(worker.worker);
    const outcomes: unknown[] = [];
    submit(dispatcher, "later", (outcome) => outcomes.push(outcome), undefined, { signal: controller.signal });
    expect(outcomes).toMatchObject([{ _tag: "Cancelled" }]);
    expect(dispatcher.counts).toMatchObject({ calls: 1, failed: 1, cancelled: 1, succeeded: 0 });
    expect([dispatcher.live, pooled.inFlight, known.size]).toEqual([0, 0, 0]);
  }
});

test("a host tool's call is found by the worker that runs it, until it has ended", () => {
  const dispatcher = testingDispatcher();
  const only = new TestingWorker("only", tools);
  dispatcher.admit(only.worker);
  const host = hostCall("only");
  const call = runHostCall(host, () => submit(dispatcher, "later", ignore));
  call.wireId = 5;
  expect(dispatcher.hostCallOf("only", 5)).toBe(host);
  expect(dispatcher.hostCallOf("other", 5)).toBeUndefined();
  only.answer(call);
  expect(dispatcher.hostCallOf("only", 5)).toBeUndefined();
});

test("a worker that is to end still takes the calls of the host tools that it waits for", () => {
  const dispatcher = testingDispatcher();
  const only = new TestingWorker("only", tools);
  const pooled = dispatcher.admit(only.worker);
  const session = new TestingSession("s", "strict-queue");
  const held = { route: new SessionRoute(session, dispatcher), object: undefined };
  submit(dispatcher, "slow", ignore, held);
  pooled.retire();
  runHostCall(hostCall("only"), () => submit(dispatcher, "slow", ignore, held));
  expect(only.calls.map(({ waiter }) => waiter)).toEqual([0, 7]);
  expect(session.moves).toEqual([]);
});

test("a strict session's call goes back to its waiting worker although another is idle", () => {
  const dispatcher = testingDispatcher();
  const [home, idle] = ["home", "idle"].map((id) => new TestingWorker(id, tools));
  dispatcher.admit(home!.worker);
  const held = { route: new SessionRoute(new TestingSession("s", "strict-fail"), dispatcher), object: undefined };
  submit(dispatcher, "slow", ignore, held);
  dispatcher.admit(idle!.worker);
  runHostCall(hostCall("home"), () => submit(dispatcher, "slow", ignore, held));
  expect(home!.calls.map(({ waiter }) => waiter)).toEqual([0, 7]);
});

test("a host tool's call has no more time than the tool, and is cancelled with it", async () => {
  const dispatcher = testingDispatcher();
  dispatcher.admit(new TestingWorker("only", tools).worker);
  const outcomes: unknown[] = [];
  const settle = (outcome: unknown): void => void outcomes.push(outcome);
  const controller = new AbortController();
  const deadline = performance.now() + 20;
  runHostCall(hostCall("only", { deadline }), () => submit(dispatcher, "later", settle));
  const cancelled = runHostCall(hostCall("only", { signal: controller.signal }), () => submit(dispatcher, "later", settle));
  controller.abort("enough");
  expect(outcomes).toMatchObject([{ _tag: "Cancelled", cause: "enough" }]);
  expect(cancelled.state).toBe("done");
  while (outcomes.length === 1) await new Promise((resolve) => setImmediate(resolve));
  expect(performance.now()).toBeGreaterThanOrEqual(deadline);
  expect(outcomes[1]).toMatchObject({ _tag: "CallTimeout" });
  await dispatcher.close();
});

test("what comes of a host tool's call is told within the call of the host tool", () => {
  const dispatcher = testingDispatcher();
  const only = new TestingWorker("only", tools);
  dispatcher.admit(only.worker);
  const seen: unknown[] = [];
  const host = hostCall("only");
  const settle = (): void => void seen.push(currentHostCall());
  const [first, second] = runHostCall(host, () => [submit(dispatcher, "later", settle), submit(dispatcher, "later", settle)]);
  only.answer(first!);
  dispatcher.abandon(second!, second!.cancelled());
  expect(seen).toEqual([host, host]);
});

test("what a host tool leaves behind is the program's own once the tool has answered", () => {
  const dispatcher = testingDispatcher();
  const only = new TestingWorker("only", tools);
  dispatcher.admit(only.worker);
  const controller = new AbortController();
  const host = { ...hostCall("only", { signal: controller.signal }), over: false };
  const outcomes: unknown[] = [];
  const settle = (outcome: unknown): void => void outcomes.push(outcome);
  runHostCall(host, () => {
    const before = submit(dispatcher, "later", settle);
    host.over = true;
    controller.abort();
    const after = submit(dispatcher, "later", settle);
    expect([before.depth, after.depth]).toEqual([1, 0]);
  });
  for (const call of [...only.calls]) only.answer(call, "answered");
  expect(outcomes).toEqual(["answered", "answered"]);
});

test("functions among the arguments can be called until the call ends, and are made known again with each try", async () => {
  const known = new Map<number, HostFunction>();
  let added = 0;
  const functions = {
    add(fn: HostFunction): number {
      known.set(++added, fn);
      return added;
    },
    remove: (number: number) => void known.delete(number),
  };
  const dispatcher = testingDispatcher({ retryBackoffMs: 1 }, functions);
  const fn = (): number => 1;
  const start = (call: UnaryCall): number => call.hostFunction(fn);
  const worker = (id: string): TestingWorker => new TestingWorker(id, tools, (call) => start(call as UnaryCall));
  const first = worker("first");
  const pooled = dispatcher.admit(first.worker);
  const entry = dispatcher.catalog.find("again", false);
  if (entry instanceof Error) throw entry;
  const result = new Promise((resolve, reject) => {
    dispatcher.submit(new UnaryCall(dispatcher, entry, {}, 30_000, "safe", undefined, resolve, reject));
  });
  expect([...known]).toEqual([[1, fn]]);
  dispatcher.lose(pooled, first.end);
  expect(known.size).toBe(0);
  const second = worker("second");
  dispatcher.admit(second.worker);
  while (second.calls.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect([...known]).toEqual([[2, fn]]);
  second.answer(second.calls[0]!, "answered");
  expect(await result).toBe("answered");
  expect(known.size).toBe(0);
  await dispatcher.close();
});
