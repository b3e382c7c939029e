/** Calls whose workers die: which are sent again, how often, and which never. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ConnectionLost, isSnakepitError } from "../errors/index.ts";
import type { CarriedCall } from "../tool/call.ts";
import type { PoolCall } from "./call.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { TestingClock } from "./testing-clock.ts";
import { submit, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const tools = [{ name: "once" }, { name: "again", idempotent: true }];

test("retries stop when the budget is used up, and the call says what killed its worker", () => {
  const clock = new TestingClock();
  const retryBudget = { ratio: 0, perSecond: 0, burst: 2 };
  const dispatcher = testingDispatcher({ retryBackoffMs: 10, retryBudget, maxConcurrent: 10 }, undefined, clock);
  const first = new TestingWorker("w1", [{ name: "again", idempotent: true, asynchronous: true }]);
  const pooled = dispatcher.admit(first.worker);
  const outcomes: unknown[] = [];
  for (let i = 0; i < 5; i++) submit(dispatcher, "again", (outcome) => outcomes.push(outcome), undefined, { retry: "safe" });
  dispatcher.lose(pooled, first.end);
  expect(outcomes).toMatchObject(Array.from({ length: 3 }, () => ({ _tag: "WorkerCrashed", attempts: 1, retryable: true })));
  expect(dispatcher.counts).toMatchObject({ retried: 2, failed: 3 });
  const second = new TestingWorker("w2", tools);
  dispatcher.admit(second.worker);
  clock.pass(200);
  expect(second.calls).toHaveLength(2);
});

test("a retry that would come after the deadline is not waited for", () => {
  for (const [timeoutMs, isTried] of [
    [70, false],
    [80, true],
  ] as const) {
    const clock = new TestingClock();
    const dispatcher = testingDispatcher({ retryBackoffMs: 100 }, undefined, clock);
    const worker = new TestingWorker("w1", tools);
    const pooled = dispatcher.admit(worker.worker);
    const outcomes: unknown[] = [];
    submit(dispatcher, "again", (outcome) => outcomes.push(outcome), undefined, { retry: "safe", timeoutMs });
    dispatcher.lose(pooled, worker.end);
    // The wait is 75 ms.
    expect(dispatcher.counts.retried).toBe(isTried ? 1 : 0);
    expect(outcomes).toMatchObject(isTried ? [] : [{ _tag: "WorkerCrashed" }]);
  }
});

const steps = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("call" as const),
      tool: fc.constantFrom("once", "again"),
      retry: fc.constantFrom("safe" as const, "never" as const, "always" as const),
      hedged: fc.boolean(),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constantFrom("answer", "die", "refuse", "admit", "cancel", "retire", "pass", "quick"),
      at: fc.nat({ max: 9 }),
    }),
  },
);

test("a call whose frame was sent is sent again only where that is safe, and ends once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 80, size: "max" }), async (plan) => {
      const clock = new TestingClock();
      const dispatcher = testingDispatcher({ retryBackoffMs: 20, retries: 3, breaker: { failures: 4, openMs: 40 } }, undefined, clock);
      const workers: { readonly own: TestingWorker; readonly pooled: PooledWorker }[] = [];
      const asked: { readonly call: PoolCall; readonly mayRepeat: boolean; readonly mayHedge: boolean }[] = [];
      const sent = new Map<number, number>();
      const ended = new Map<number, number>();
      /** Workers whose connection breaks when something is sent. */
      const refusing = new Set<string>();
      let started = 0;
      const admit = (): void => {
        const id = `w${++started}`;
        const own = new TestingWorker(id, tools, (call: CarriedCall) => {
          if (refusing.has(id)) throw new ConnectionLost({ worker: id, reason: "broken" });
          const { number } = call.args as { readonly number: number };
          sent.set(number, (sent.get(number) ?? 0) + 1);
        });
        workers.push({ own, pooled: dispatcher.admit(own.worker) });
      };
      admit();
      admit();
      for (const step of plan) {
        if (step.kind === "call" && "tool" in step) {
          const { tool, retry } = step;
          const number = asked.length;
          const mayHedge = step.hedged && (tool === "again" || retry === "always");
          const settle = (outcome: unknown): void => {
            ended.set(number, (ended.get(number) ?? 0) + 1);
            if (isSnakepitError(outcome) && outcome._tag === "WorkerCrashed") expect(sent.get(number)).toBeGreaterThan(0);
          };
          const options = { retry, ...(mayHedge && { hedgeMs: 30 }) };
          const call = submit(dispatcher, tool, settle, undefined, options, { number });
          asked.push({ call, mayHedge, mayRepeat: retry === "always" || (retry === "safe" && tool === "again") });
          continue;
        }
        if (!("at" in step)) continue;
        const worker = workers[step.at % Math.max(1, workers.length)];
        if (step.kind === "admit") {
          if (workers.length < 4) admit();
        } else if (step.kind === "pass") clock.pass(step.at * 10);
        else if (step.kind === "cancel") {
          const { call } = asked[step.at % Math.max(1, asked.length)] ?? {};
          if (call !== undefined) dispatcher.abandon(call, call.cancelled());
        } else if (worker === undefined) continue;
        else if (step.kind === "answer") {
          const call = worker.own.calls[step.at % Math.max(1, worker.own.calls.length)];
          if (call !== undefined) worker.own.answer(call);
        } else if (step.kind === "die") {
          workers.splice(workers.indexOf(worker), 1);
          dispatcher.lose(worker.pooled, worker.own.end);
        } else if (step.kind === "refuse") refusing.add(worker.own.worker.id);
        else if (step.kind === "retire") worker.pooled.retire();
        else for (const { call } of asked) call.entry.pace.add(10);
        for (const [number, times] of sent) {
          const { mayRepeat, mayHedge } = asked[number] ?? { mayRepeat: false, mayHedge: false };
          expect(times).toBeLessThanOrEqual(mayRepeat ? Number.POSITIVE_INFINITY : mayHedge ? 2 : 1);
        }
        for (const [number, { call }] of asked.entries()) expect(ended.get(number) ?? 0).toBe(call.state === "done" ? 1 : 0);
      }
      for (let turn = 0; dispatcher.live > 0; turn++) {
        expect(turn).toBeLessThan(1_000);
        if (workers.length < 4) admit();
        clock.pass(50);
        for (const { own } of workers) for (const call of [...own.calls]) if (own.calls.includes(call)) own.answer(call);
        await Promise.resolve();
      }
      for (const number of asked.keys()) expect(ended.get(number)).toBe(1);
      for (const { own, pooled } of workers) expect([own.calls.length, pooled.inFlight]).toEqual([0, 0]);
      expect(dispatcher.counts.succeeded + dispatcher.counts.failed).toBe(asked.length);
    }),
    { numRuns: 500 },
  );
});
