/** What the breaker of a pool hears of its calls, and what it does to them. */
import { expect, test } from "bun:test";
import { CallTimeout, ToolFailed } from "../errors/index.ts";
import { type HostCall, runHostCall } from "../tool/host-call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { TestingClock } from "./testing-clock.ts";
import { submit, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const tools = [{ name: "slow" }, { name: "later", asynchronous: true }, { name: "again", idempotent: true, asynchronous: true }];

class Scene {
  readonly clock = new TestingClock();
  readonly dispatcher: Dispatcher;
  readonly outcomes: unknown[] = [];
  own: TestingWorker;
  pooled: PooledWorker;

  constructor(failures: number) {
    this.dispatcher = testingDispatcher({ breaker: { failures, withinMs: 1_000, openMs: 500 } }, undefined, this.clock);
    [this.own, this.pooled] = this.admit();
  }

  admit(): [TestingWorker, PooledWorker] {
    this.own = new TestingWorker("w", tools);
    this.pooled = this.dispatcher.admit(this.own.worker);
    return [this.own, this.pooled];
  }

  call(tool = "later", timeoutMs = Number.POSITIVE_INFINITY) {
    return submit(this.dispatcher, tool, (outcome) => this.outcomes.push(outcome), undefined, { timeoutMs, retry: "safe" });
  }

  die(): void {
    this.dispatcher.lose(this.pooled, this.own.end);
    this.admit();
  }

  get tags(): unknown[] {
    return this.outcomes.map((outcome) => (typeof outcome === "object" && outcome !== null && "_tag" in outcome ? outcome._tag : outcome));
  }
}

test("the death of a worker counts once, however many calls it had, and not at all without calls", () => {
  const scene = new Scene(2);
  scene.die();
  for (let i = 0; i < 5; i++) scene.call();
  scene.die();
  expect(scene.dispatcher.breaker).toBe("closed");
  scene.call();
  scene.die();
  expect(scene.dispatcher.breaker).toBe("open");
});

test("the end of a worker that has to be killed, or whose calls have ended before, does not count", () => {
  const scene = new Scene(1);
  scene.call();
  scene.pooled.ignoredCancel = true;
  scene.die();
  const call = scene.call();
  const { end } = scene.own;
  scene.dispatcher.abandon(call, call.cancelled());
  scene.dispatcher.lose(scene.pooled, end);
  expect(scene.dispatcher.breaker).toBe("closed");
});

test("calls that run out of time with a worker count, those in the queue and what tools raise do not", () => {
  const scene = new Scene(3);
  scene.call("slow", 100);
  scene.call("slow", 20);
  scene.call("slow", 20);
  scene.call();
  scene.own.calls.splice(1)[0]!.onError(new ToolFailed({ tool: "later", type: "TimeoutError", detail: "no", traceback: "", causes: [] }));
  scene.clock.pass(150);
  expect(scene.tags).toEqual(["ToolFailed", "CallTimeout", "CallTimeout", "CallTimeout"]);
  // One of the host's and one that the worker tells.
  scene.call();
  scene.own.calls.splice(0)[0]!.onError(new CallTimeout({ tool: "later", timeoutMs: 1, limit: "call" }));
  expect(scene.dispatcher.breaker).toBe("closed");
  scene.call("later", 50);
  scene.clock.pass(100);
  expect(scene.dispatcher.breaker).toBe("open");
});

test("open, calls fail at once, those that wait too, and none is sent again", () => {
  const scene = new Scene(1);
  const { dispatcher } = scene;
  scene.call("again");
  scene.call("slow");
  scene.call("slow");
  expect(dispatcher.queued).toBe(1);
  scene.die();
  expect([...scene.tags].sort()).toEqual(["CircuitOpen", "WorkerCrashed", "WorkerCrashed"]);
  expect(dispatcher.counts.retried).toBe(0);
  scene.clock.pass(100);
  scene.call();
  expect(scene.outcomes.at(-1)).toMatchObject({ _tag: "CircuitOpen", pool: "default", retryAfterMs: 400, retryable: true });
  expect([dispatcher.live, dispatcher.queued, scene.own.calls.length]).toEqual([0, 0, 0]);
  expect(dispatcher.counts).toMatchObject({ calls: 4, failed: 4 });
});

test("half open, one call at a time is let through until one is answered", () => {
  const scene = new Scene(1);
  scene.call();
  scene.die();
  scene.clock.pass(500);
  expect(scene.dispatcher.breaker).toBe("half-open");
  const withdrawn = scene.call();
  scene.call();
  expect(scene.tags.slice(1)).toEqual(["CircuitOpen"]);
  scene.dispatcher.abandon(withdrawn, withdrawn.cancelled());
  scene.call();
  expect(scene.own.calls).toHaveLength(1);
  scene.die();
  expect(scene.dispatcher.breaker).toBe("open");
  scene.clock.pass(500);
  scene.call();
  // What a tool raises is an answer.
  scene.own.calls.splice(0)[0]!.onError(new ToolFailed({ tool: "later", type: "E", detail: "", traceback: "", causes: [] }));
  expect(scene.dispatcher.breaker).toBe("closed");
  scene.call();
  scene.call();
  expect(scene.own.calls).toHaveLength(2);
});

test("a call that is part of one that a worker runs is let through", () => {
  const scene = new Scene(1);
  const other = new TestingWorker("other", tools);
  const otherPooled = scene.dispatcher.admit(other.worker);
  scene.call("slow");
  scene.call("slow");
  expect(other.calls).toHaveLength(1);
  scene.dispatcher.lose(otherPooled, other.end);
  expect(scene.dispatcher.breaker).toBe("open");
  const { signal } = new AbortController();
  const deadline = Number.POSITIVE_INFINITY;
  const host: HostCall = { depth: 1, run: "", worker: "w", pool: "default", waiter: 7, sessionId: "", deadline, signal, over: false };
  runHostCall(host, () => scene.call("slow"));
  expect(scene.own.calls).toHaveLength(2);
});

test("without a breaker nothing is refused, whatever fails", () => {
  const dispatcher = testingDispatcher();
  for (let i = 0; i < 20; i++) {
    const own = new TestingWorker(`w${i}`, tools);
    const pooled = dispatcher.admit(own.worker);
    submit(dispatcher, "later", () => {});
    expect(own.calls).toHaveLength(1);
    dispatcher.lose(pooled, own.end);
  }
  expect(dispatcher.breaker).toBeUndefined();
});
