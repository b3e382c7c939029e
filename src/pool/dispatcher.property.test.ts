/**
 * Whatever comes and goes: calls of several priorities, free or bound by sessions, workers that start, retire and die. The model knows nothing of queues;
 * it looks at each call that starts and at what waits after each step.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { isSnakepitError } from "../errors/index.ts";
import type { CarriedCall } from "../tool/call.ts";
import type { PoolCall } from "./call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { SessionRoute } from "./session-route.ts";
import { submit, TestingSession, TestingWorker, testingDispatcher } from "./testing-worker.ts";

const SHARED = 2;
const tools = [{ name: "slow" }, { name: "shared", asynchronous: true }];

/** A worker as the model sees it. */
interface Lived {
  readonly own: TestingWorker;
  readonly pooled: PooledWorker;
}

/** A call as the model sees it. */
interface Asked {
  readonly call: PoolCall;
  readonly number: number;
  readonly session: Session | undefined;
  /** When it came, counted in calls that came and calls that started. */
  readonly at: number;
  endings: number;
}

class Session extends TestingSession {
  readonly route: SessionRoute;
  home: Lived | undefined;

  constructor(name: string, affinity: TestingSession["affinity"], dispatcher: Dispatcher) {
    super(name, affinity);
    this.route = new SessionRoute(this, dispatcher);
  }
}

class World {
  readonly dispatcher = testingDispatcher({ maxConcurrent: SHARED, queueTimeoutMs: Number.POSITIVE_INFINITY, retry: "never" });
  readonly sessions = [
    new Session("near", "hint", this.dispatcher),
    new Session("patient", "strict-queue", this.dispatcher),
    new Session("loyal", "strict-queue", this.dispatcher),
    new Session("hasty", "strict-fail", this.dispatcher),
  ];
  readonly workers: Lived[] = [];
  readonly asked: Asked[] = [];
  /** When a call started last, by session, tool and priority. */
  readonly #served = new Map<string, number>();
  #now = 0;
  #started = 0;

  admit(): void {
    const own = new TestingWorker(`w${++this.#started}`, tools, (call) => this.#check(call, own));
    // Calls are sent while it is being admitted.
    const lived = { own, pooled: undefined as PooledWorker | undefined };
    this.workers.push(lived as Lived);
    lived.pooled = this.dispatcher.admit(own.worker);
  }

  call(session: Session | undefined, tool: string, priority: number): void {
    let asked: Asked | undefined;
    let early = 0;
    const number = this.asked.length;
    const settle = (outcome: unknown): void => {
      if (asked === undefined) early++;
      else asked.endings++;
      if (!isSnakepitError(outcome) || outcome._tag !== "AffinityUnavailable") return;
      const home = session?.home;
      expect(home !== undefined && this.isThere(home) && this.accepts(home, { tool })).toBe(false);
    };
    const held = session && { route: session.route, object: undefined };
    const at = ++this.#now;
    const before = this.#pending;
    this.#pending = { number, session };
    const call = submit(this.dispatcher, tool, settle, held, { priority });
    this.#pending = before;
    asked = { call, number, session, at, endings: early };
    this.asked.push(asked);
  }

  /** What is being submitted, which may start before it has a name. */
  #pending: { readonly number: number; readonly session: Session | undefined } | undefined;

  get waiting(): Asked[] {
    return this.asked.filter(({ call }) => call.state === "queued");
  }

  accepts({ own, pooled }: Lived, call: Pick<CarriedCall, "tool">): boolean {
    if (pooled?.draining) return false;
    const same = own.calls.filter(({ tool }) => tool === call.tool).length;
    return same < (call.tool === "slow" ? 1 : SHARED);
  }

  /** Whether a call may go to a worker at all. */
  mayTake(lived: Lived, session: Session | undefined): boolean {
    const home = session?.home;
    if (session === undefined || home === undefined || session.affinity === "hint") return true;
    if (home === lived) return true;
    return session.affinity === "strict-queue" && !this.isThere(home);
  }

  isThere(lived: Lived): boolean {
    return this.workers.includes(lived) && !lived.pooled?.draining;
  }

  /** Looks at a call that is about to start. */
  #check(call: CarriedCall, own: TestingWorker): void {
    const lived = this.workers.find((worker) => worker.own === own)!;
    const known = this.asked.find((asked) => asked.call === call);
    const { number, session } = known ?? this.#pending!;
    const priority = known?.call.priority ?? (call as PoolCall).priority;
    expect(this.accepts(lived, call)).toBe(true);
    expect(this.mayTake(lived, session)).toBe(true);
    for (const other of this.waiting) {
      if (other === known || other.call.tool !== call.tool || !this.mayTake(lived, other.session)) continue;
      const first = other.session === session && other.call.priority === priority && other.number < number;
      if (first || other.call.priority > priority) throw new Error(`call ${number} overtook call ${other.number}`);
      if (other.session === session || other.call.priority !== priority) continue;
      const since = Math.max(other.at, this.#servedAt(other.session, call.tool, priority));
      if (this.#servedAt(session, call.tool, priority) > since) {
        throw new Error(`the session of call ${number} was served twice while that of call ${other.number} waited`);
      }
    }
    this.#served.set(`${session?.id} ${call.tool} ${priority}`, ++this.#now);
    if (session === undefined) return;
    expect(session.known).toContain(own.worker.id);
    const { home } = session;
    if (home === undefined) session.home = lived;
    else if (!this.isThere(home)) {
      expect(session.moves.at(-1)).toEqual([home.own.worker.id, own.worker.id]);
      expect(session.initialized.at(-1)).toEqual([own.worker.id, home.own.worker.id]);
      session.home = lived;
    } else if (home !== lived) expect(this.accepts(home, call)).toBe(false);
  }

  #servedAt(session: Session | undefined, tool: string, priority: number): number {
    return this.#served.get(`${session?.id} ${tool} ${priority}`) ?? 0;
  }

  /** What holds between two steps. */
  settled(): void {
    const { waiting } = this;
    expect(this.dispatcher.queued).toBe(waiting.length);
    for (const { call, session, number } of waiting) {
      const free = this.workers.find((lived) => this.accepts(lived, call) && this.mayTake(lived, session));
      if (free !== undefined) throw new Error(`call ${number} waits although ${free.own.worker.id} is free`);
      if (session?.affinity === "strict-fail") expect(session.home).toBeUndefined();
    }
    for (const { call, endings } of this.asked) expect(endings).toBe(call.state === "done" ? 1 : 0);
  }
}

const at = fc.nat({ max: 7 });
const steps = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("call" as const), at, tool: fc.constantFrom("slow", "shared"), priority: at }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("answer" as const), at, nth: at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("admit", "retire", "die", "cancel"), at }) },
);
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

function take(world: World, step: Step): void {
  const worker = world.workers[step.at % Math.max(1, world.workers.length)];
  if (step.kind === "call" && "tool" in step) world.call(world.sessions[step.at], step.tool, step.priority % 3);
  else if (step.kind === "admit") {
    if (world.workers.length < 3) world.admit();
  } else if (step.kind === "cancel") {
    const { waiting } = world;
    const { call } = waiting[step.at % Math.max(1, waiting.length)] ?? {};
    if (call !== undefined) world.dispatcher.abandon(call, call.cancelled());
  } else if (worker === undefined) return;
  else if (step.kind === "retire") worker.pooled.retire();
  else if (step.kind === "die") {
    world.workers.splice(world.workers.indexOf(worker), 1);
    world.dispatcher.lose(worker.pooled, worker.own.end);
  } else if ("nth" in step) {
    const call = worker.own.calls[step.nth % Math.max(1, worker.own.calls.length)];
    if (call !== undefined) worker.own.answer(call);
  }
}

test("every call ends once, in its order and its turn, where its session is, and none waits while a worker that may take it is free", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 80, size: "max" }), async (plan) => {
      const world = new World();
      world.admit();
      world.admit();
      for (const step of plan) {
        take(world, step);
        world.settled();
      }
      world.admit();
      for (let busy = true; busy; ) {
        busy = false;
        for (const { own } of world.workers) {
          for (const call of [...own.calls]) {
            busy = true;
            own.answer(call);
          }
        }
        world.settled();
      }
      for (const { call } of world.asked) expect(call.state).toBe("done");
      expect(world.dispatcher.live).toBe(0);
      await world.dispatcher.close();
    }),
    { numRuns: 500 },
  );
});
