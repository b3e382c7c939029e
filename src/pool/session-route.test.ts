import { expect, test } from "bun:test";
import { isSnakepitError, type SnakepitError } from "../errors/index.ts";
import type { ObjectRef } from "../value/object-ref.ts";
import type { UnaryCall } from "./call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { SessionRoute } from "./session-route.ts";
import { submit, TestingSession, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const tools = [{ name: "slow" }, { name: "later", asynchronous: true }];

/** A session with its route, whose calls write down how they ended. */
class Used {
  readonly session: TestingSession;
  readonly route: SessionRoute;
  readonly outcomes: unknown[] = [];
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher, affinity: TestingSession["affinity"], id = "s") {
    this.#dispatcher = dispatcher;
    this.session = new TestingSession(id, affinity);
    this.route = new SessionRoute(this.session, dispatcher);
  }

  call(tool: string, args: object = {}): UnaryCall {
    const settle = (outcome: unknown): void => void this.outcomes.push(outcome);
    return submit(this.#dispatcher, tool, settle, { route: this.route, object: this.route.objectAmong(tool, args) });
  }

  /** A reference, as it stands in the answer of a call that is on a worker. */
  ref(worker: TestingWorker, key: string): ObjectRef {
    const call = this.call("later");
    const ref = call.objectRef({ session: this.session.id, worker: worker.worker.id, key, type: "Thing" });
    worker.answer(call);
    return ref;
  }
}

function pool(...ids: string[]) {
  const dispatcher = testingDispatcher();
  const workers = ids.map((id) => new TestingWorker(id, tools));
  return { dispatcher, workers, pooled: workers.map(({ worker }) => dispatcher.admit(worker)) };
}

function thrown(code: () => unknown): SnakepitError {
  try {
    code();
  } catch (error) {
    if (isSnakepitError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

test("a session is made known to each worker once, and again to one that takes it over", () => {
  const { dispatcher, workers, pooled } = pool("a", "b");
  const near = new Used(dispatcher, "hint");
  near.call("slow");
  near.call("later");
  expect(near.session.initialized).toEqual([["a", ""]]);
  near.call("slow");
  expect(near.session.initialized).toEqual([
    ["a", ""],
    ["b", ""],
  ]);
  dispatcher.lose(pooled[0]!, workers[0]!.end);
  expect([...near.session.known]).toEqual(["b"]);
  near.call("later");
  expect(near.session.initialized.at(-1)).toEqual(["b", "a"]);
  expect(near.session.moves).toEqual([["a", "b"]]);
  expect(near.route.worker).toBe("b");
});

test("a session that fails rather than wait stays with its worker also when that is gone", () => {
  const { dispatcher, workers, pooled } = pool("a", "b");
  const hasty = new Used(dispatcher, "strict-fail");
  hasty.call("later");
  dispatcher.lose(pooled[0]!, workers[0]!.end);
  hasty.call("later");
  hasty.call("later");
  expect(hasty.outcomes).toMatchObject([
    { _tag: "WorkerCrashed" },
    { _tag: "AffinityUnavailable", session: "s", worker: "a" },
    { _tag: "AffinityUnavailable" },
  ]);
  expect(hasty.session.moves).toEqual([]);
});

test("closing a route makes the workers forget the session, and fails the calls that wait", async () => {
  const { dispatcher, workers } = pool("a", "b");
  const patient = new Used(dispatcher, "strict-queue");
  const running = patient.call("slow");
  patient.call("slow");
  const ref = patient.ref(workers[0]!, "k");
  patient.outcomes.length = 0;
  const closed = patient.route.close();
  expect(patient.route.close()).toBe(closed);
  expect(patient.outcomes).toMatchObject([{ _tag: "SessionClosed", session: "s" }]);
  expect(patient.session.known.size).toBe(0);
  expect(ref.released).toBe(true);
  await closed;
  expect(workers.map(({ forgotten }) => forgotten)).toEqual([["s"], []]);
  // What runs goes on; a reference that it still brings is of no use.
  const late = running.objectRef({ session: "s", worker: "a", key: "late", type: "Thing" });
  expect(late.released).toBe(true);
  workers[0]!.answer(running, "answered");
  expect(patient.outcomes[1]).toBe("answered");
  patient.call("slow");
  expect(patient.outcomes[2]).toMatchObject({ _tag: "SessionClosed" });
  // Everything was forgotten at once.
  expect(workers[0]!.events).toEqual([]);
});

test("a call with a stored object goes to the worker that has it, and waits for it there", () => {
  const { dispatcher, workers } = pool("a", "b");
  const near = new Used(dispatcher, "hint");
  const ref = near.ref(workers[0]!, "k");
  near.call("slow");
  near.call("slow", { deep: [new Map([["x", { ref }]])] });
  near.call("slow");
  expect(workers.map(({ calls }) => calls.length)).toEqual([1, 1]);
  expect(dispatcher.queued).toBe(1);
  workers[0]!.answer(workers[0]!.calls[0]!);
  expect(workers.map(({ calls }) => calls.length)).toEqual([1, 1]);
  expect(dispatcher.queued).toBe(0);
  const hasty = new Used(dispatcher, "strict-fail", "hasty");
  const other = hasty.ref(workers[0]!, "k");
  hasty.call("slow", { other });
  expect(hasty.outcomes.at(-1)).toMatchObject({ _tag: "AffinityUnavailable", worker: "a" });
});

test("a stored object is lost with its worker, also to calls that waited for that", () => {
  const { dispatcher, workers, pooled } = pool("a", "b");
  const near = new Used(dispatcher, "hint");
  const ref = near.ref(workers[0]!, "k");
  near.call("slow");
  near.call("slow", { ref });
  near.outcomes.length = 0;
  dispatcher.lose(pooled[0]!, workers[0]!.end);
  near.call("slow", { ref });
  const lost = { _tag: "ObjectLost", object: "k", worker: "a" };
  expect(near.outcomes).toMatchObject([lost, { _tag: "WorkerCrashed" }, lost]);
  near.call("slow");
  expect(workers[1]!.calls).toHaveLength(1);
});

test("whoever hears that an object is lost may cancel other calls that waited for it", () => {
  const { dispatcher, workers, pooled } = pool("a", "b");
  const near = new Used(dispatcher, "hint");
  const ref = near.ref(workers[0]!, "k");
  near.call("slow");
  const outcomes: unknown[] = [];
  const held = { route: near.route, object: ref };
  const calls: UnaryCall[] = [];
  const settle = (outcome: unknown): void => {
    outcomes.push(outcome);
    for (const call of calls) dispatcher.abandon(call, call.cancelled());
  };
  for (let i = 0; i < 3; i++) calls.push(submit(dispatcher, "slow", settle, held));
  dispatcher.lose(pooled[0]!, workers[0]!.end);
  expect(outcomes).toMatchObject([{ _tag: "ObjectLost" }, { _tag: "Cancelled" }, { _tag: "Cancelled" }]);
  expect(dispatcher.queued).toBe(0);
});

test("references that make no sense in a call are refused by their argument", () => {
  const { dispatcher, workers } = pool("a", "b");
  const near = new Used(dispatcher, "hint");
  near.call("slow");
  const ref = near.ref(workers[0]!, "k");
  const place = { session: "s", worker: "b", key: "j", type: "Thing" };
  const elsewhere = near.call("slow").objectRef(place);
  const released = near.ref(workers[0]!, "r");
  released.release();
  const foreign = new Used(dispatcher, "hint", "other").ref(workers[0]!, "k");
  const refused = { _tag: "InvalidArguments", tool: "slow", argument: "x" };
  expect(thrown(() => near.call("slow", { x: [1, released] }))).toMatchObject({ ...refused, path: "$.x[1]" });
  expect(thrown(() => near.call("slow", { x: foreign }))).toMatchObject({ ...refused, path: "$.x" });
  expect(thrown(() => near.call("slow", { a: ref, x: elsewhere }))).toMatchObject({ ...refused, path: "$.x" });
});

test("arguments that lead back to themselves, or throw when they are read, are looked through once", () => {
  const { dispatcher, workers } = pool("a");
  const near = new Used(dispatcher, "hint");
  const ref = near.ref(workers[0]!, "k");
  const cycle: Record<string, unknown> = { ref };
  Object.assign(cycle, { left: cycle, right: { up: cycle } });
  expect(near.route.objectAmong("slow", cycle)).toBe(ref);
  const broken = {
    ref,
    get bad(): never {
      throw new Error("no");
    },
  };
  expect(near.route.objectAmong("slow", broken)).toBe(undefined);
});

test("an object is released when the last reference to it is", () => {
  const { dispatcher, workers } = pool("a");
  const near = new Used(dispatcher, "hint");
  const refs = [near.ref(workers[0]!, "k"), near.ref(workers[0]!, "k"), near.ref(workers[0]!, "j")];
  refs[0]!.release();
  refs[0]!.release();
  expect(workers[0]!.events).toEqual([]);
  refs[2]!.release();
  refs[1]!.release();
  const released = workers[0]!.events.map(({ event }) => event.case === "objectsReleased" && [event.value.sessionId, event.value.keys]);
  expect(released).toEqual([
    ["s", ["j"]],
    ["s", ["k"]],
  ]);
});

test("an answer with an object of another session, another worker or no session is a fault", () => {
  const { dispatcher } = pool("a");
  const near = new Used(dispatcher, "hint");
  const call = near.call("later");
  const place = { session: "s", worker: "a", key: "k", type: "Thing" };
  expect(thrown(() => call.objectRef({ ...place, session: "t" }))).toMatchObject({ _tag: "ProtocolError" });
  expect(thrown(() => call.objectRef({ ...place, worker: "b" }))).toMatchObject({ _tag: "ProtocolError" });
  const plain = submit(dispatcher, "later", () => {});
  expect(thrown(() => plain.objectRef(place))).toMatchObject({ _tag: "ProtocolError" });
});

test("hits and misses are counted, the first call of a session as neither", () => {
  const { dispatcher } = pool("a", "b");
  const near = new Used(dispatcher, "hint");
  near.call("slow");
  near.call("later");
  near.call("slow");
  const hasty = new Used(dispatcher, "strict-fail", "hasty");
  hasty.call("later");
  hasty.call("slow");
  expect(hasty.outcomes).toMatchObject([{ _tag: "AffinityUnavailable", session: "hasty" }]);
  expect(dispatcher.counts).toMatchObject({ affinityHits: 1, affinityMisses: 2 });
});
