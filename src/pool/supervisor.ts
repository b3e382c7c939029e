/**
 * Keeps the workers of a pool alive: one fiber a place, in which one worker after the other lives. Places come and go: when the pool grows or shrinks, and
 * when a worker is replaced by a fresh one, which then has a place of its own before the old one gives up its.
 *
 * A worker that dies is replaced at once. Failed starts, and workers that die before they have finished one call, are not under load but broken: with each
 * in a row the place rests longer, and after five within ten seconds, in which no call succeeded, the pool is unhealthy, its calls fail with the last cause,
 * and it tries again only every ten seconds. What a worker itself says about its start, such as a tool file that cannot be imported, will not change: the place
 * is given up.
 */
import { Clock, Deferred, Effect, Exit, type Fiber, Random, Scope, Semaphore } from "effect";
import type { CarrierLimits } from "../carrier/carrier.ts";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { PoolClosed, type SnakepitError, WorkerStartFailed } from "../errors/index.ts";
import type { RegisteredHost } from "../registry/registry.ts";
import type { RecycleReason } from "../telemetry/event.ts";
import type { Launch } from "../worker/launch.ts";
import { startWorker, type WorkerEvents } from "../worker/worker.ts";
import { constants } from "./defaults.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { hostIsDying } from "./host-signals.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { replacedTogether } from "./recycling.ts";

/** What the workers of one pool are made with. */
export interface SupervisorOptions {
  readonly launch: Launch;
  readonly dispatcher: Dispatcher;
  readonly limits: CarrierLimits;
  readonly handlers: (workerId: string) => HostHandlers;
  /** Added to the environment of each worker. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes down a process that is about to be started. */
  readonly record: RegisteredHost["record"];
  /** A name that no other worker has. */
  nextId(): string;
  /** What a worker's output is told to. */
  events(workerId: string): Omit<WorkerEvents, "onGoing">;
}

/** A place for a worker, and who has it now. */
export class Place {
  workerId = "";
  status: "starting" | "taken" | "stopped" = "starting";
  pooled: PooledWorker | undefined;
  /** Done when its worker is ready; another one as soon as that worker is lost. Fails when the place is given up. */
  ready = Deferred.makeUnsafe<void, SnakepitError>();
  /** When its worker became ready, in milliseconds. */
  readyAt = 0;
  /** From 0 to 1, another for each worker. */
  jitter = 0;
  /** Which code its worker was started with: each reload counts it up. */
  generation = 0;
  /** The place whose worker this one's will replace. Until then it is no place of the pool's, and given up when its first start fails. */
  replaces: Place | undefined;
  /** Whether another place is to replace this one. */
  isReplaced = false;
  /** It is no place of the pool's any more: its worker ends with its last call, and no other comes. */
  left = false;
  /** What goes on in it. */
  keeper: Fiber.Fiber<void> | undefined;
  /** The worker that its own comes after, in this place or in the one that it replaces; empty when there was none. */
  follows = "";
  /** The life of the worker that starts in it. */
  start: Fiber.Fiber<void> | undefined;
}

/** How a worker's time in its place came to an end. */
interface Outcome {
  /** Why it never became ready; undefined when it did. */
  readonly startError: SnakepitError | undefined;
  /** Whether it died without having finished one call. */
  readonly useless: boolean;
}

/** The workers of one pool. */
export class Supervisor {
  /** Every place, those included that are to replace others. */
  readonly places: Place[] = [];
  /** Workers that became ready. */
  started = 0;
  /** Workers that ended without being asked to. */
  crashes = 0;
  /** Workers that were replaced because they had done enough. */
  recycled = 0;
  /** What went wrong last. */
  lastError: SnakepitError | undefined;
  /** When starts failed, or workers proved useless, within the time that counts. */
  #failures: number[] = [];
  /** Calls that had succeeded when a worker last proved useless, and when that last were more than before. */
  #succeededThen = 0;
  #workedAt = Number.NEGATIVE_INFINITY;
  #generation = 0;
  #closed = false;
  readonly #options: SupervisorOptions;
  /** Workers live as long as this. */
  readonly #scope = Scope.makeUnsafe("parallel");
  readonly #firstReady = Deferred.makeUnsafe<void, SnakepitError>();
  /** Workers are recycled or reloaded, never both at once. */
  readonly #replacing = Semaphore.makeUnsafe(1);

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Workers that the pool is to have now. */
  get size(): number {
    return this.places.reduce((size, place) => (place.replaces === undefined ? size + 1 : size), 0);
  }

  /** Kills the worker of this name. */
  kill(workerId: string): boolean {
    const pooled = this.#options.dispatcher.workers.find(({ worker }) => worker.id === workerId);
    pooled?.worker.kill();
    return pooled !== undefined;
  }

  /** Resolves when the first worker is ready; fails when one could not start before that. */
  get firstReady(): Effect.Effect<void, SnakepitError> {
    return Deferred.await(this.#firstReady);
  }

  /** Resolves when every place has a worker that is ready; fails when a place is given up. */
  get allReady(): Effect.Effect<void, SnakepitError> {
    return Effect.gen({ self: this }, function* () {
      if (this.#closed) return yield* Effect.fail(this.#poolClosed());
      for (let place = this.#unready(); place !== undefined; place = this.#unready()) yield* Deferred.await(place.ready);
    });
  }

  /** Whoever waits for a worker that was not ready until now is told that there will be none. */
  close(): void {
    this.#closed = true;
    if (hostIsDying()) return;
    const closed = this.#poolClosed();
    for (const ready of [this.#firstReady, ...this.places.map((place) => place.ready)]) Deferred.doneUnsafe(ready, Effect.fail(closed));
  }

  /** Whether workers end as soon as they start. */
  unhealthy(now: number): boolean {
    this.#failures = this.#failures.filter((at) => now - at < constants.intensity.withinMs);
    return this.#failures.length >= constants.intensity.failures;
  }

  /** Starts `count` workers. All workers, those that come later too, end together with the scope. */
  start(count: number): Effect.Effect<void, never, Scope.Scope> {
    return Effect.acquireRelease(this.grow(count), () => Scope.close(this.#scope, Exit.void));
  }

  /** Starts `count` workers more. */
  grow(count: number): Effect.Effect<void> {
    return Effect.forEach(Array.from({ length: count }), () => this.#add(undefined), { discard: true });
  }

  /** Lets a worker go: it takes no more calls, and ends when those that it has have ended. */
  shrink(place: Place): void {
    this.#leave(place, "scale");
  }

  /**
   * Replaces some workers that have done enough, all at once. One whose replacement cannot start goes on. Does nothing while others are being replaced.
   */
  recycle(places: readonly Place[]): Effect.Effect<void> {
    const recycled = Effect.sync(() => {
      this.recycled++;
    });
    const each = (place: Place) => this.#replace(place, "worn").pipe(Effect.andThen(recycled), Effect.ignore);
    return Effect.asVoid(
      this.#replacing.withPermitsIfAvailable(1)(Effect.forEach(places, each, { concurrency: "unbounded", discard: true })),
    );
  }

  /**
   * Replaces every worker by one with the code as it is now, a quarter of them at a time. Those that are replaced end with their last call. Fails when a
   * worker with the new code cannot start; those that were not replaced until then go on.
   */
  get reload(): Effect.Effect<void, SnakepitError> {
    const reload = Effect.gen({ self: this }, function* () {
      if (this.#closed) return yield* Effect.fail(this.#poolClosed());
      this.#options.launch.renew?.();
      const generation = ++this.#generation;
      // Without a worker nobody would know whether the code loads, and what tools it has.
      if (this.places.length === 0) yield* this.#replace(new Place(), "reload");
      // A worker that has died since then was followed by one with the new code.
      const isOld = (place: Place): boolean => place.generation < generation;
      for (let old = this.places.filter(isOld); old.length > 0; old = this.places.filter(isOld)) {
        yield* Effect.forEach(old, (place) => this.#replace(place, "reload"), { concurrency: replacedTogether(this.size), discard: true });
      }
      // What was wrong with the old code is over.
      this.#failures = [];
      this.lastError = undefined;
    });
    return this.#replacing.withPermit(reload);
  }

  #unready(): Place | undefined {
    return this.places.find((place) => place.replaces === undefined && (!Deferred.isDoneUnsafe(place.ready) || place.status === "stopped"));
  }

  #poolClosed(): PoolClosed {
    return new PoolClosed({ pool: this.#options.dispatcher.settings.name });
  }

  /** A new place, at once with a worker that starts. */
  #add(replaces: Place | undefined): Effect.Effect<Place> {
    return Effect.gen({ self: this }, function* () {
      const place = new Place();
      place.replaces = replaces;
      this.places.push(place);
      place.keeper = yield* Effect.forkIn(this.#keep(place), this.#scope);
      return place;
    });
  }

  /** The worker of this place is the last one there. One that only starts ends at once. */
  #leave(place: Place, reason: RecycleReason): void {
    if (place.left) return;
    place.left = true;
    const at = this.places.indexOf(place);
    if (at >= 0) this.places.splice(at, 1);
    place.keeper?.interruptUnsafe();
    if (place.pooled === undefined) place.start?.interruptUnsafe();
    else {
      const { worker, pool } = place.pooled;
      this.#options.dispatcher.telemetry.say({ type: "worker.recycled", pool, worker: worker.id, pid: worker.pid, reason });
      place.pooled.retire();
    }
    // Whoever waits for it looks for another one.
    Deferred.doneUnsafe(place.ready, Effect.void);
  }

  /** Has a fresh worker take the place of `old`, which goes on when that cannot start. Does nothing when the pool has let `old` go meanwhile. */
  #replace(old: Place, reason: RecycleReason): Effect.Effect<void, SnakepitError> {
    return Effect.suspend(() => {
      if (this.#closed) return Effect.fail(this.#poolClosed());
      if (old.left) return Effect.void;
      old.isReplaced = true;
      return Effect.acquireUseRelease(
        this.#add(old),
        (fresh) => Deferred.await(fresh.ready),
        (fresh, exit) =>
          Effect.sync(() => {
            old.isReplaced = false;
            fresh.replaces = undefined;
            this.#leave(Exit.isSuccess(exit) ? old : fresh, reason);
          }),
      );
    });
  }

  /** One place: a worker, then the next one, until the scope closes or there is no point. */
  #keep(place: Place): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { dispatcher } = this.#options;
      /** Workers one after the other that failed to start or proved useless. */
      let failedInTurn = 0;
      for (;;) {
        const outcome = Deferred.makeUnsafe<Outcome>();
        place.follows = place.replaces?.workerId ?? place.workerId;
        Object.assign(place, { workerId: this.#options.nextId(), status: "starting", pooled: undefined, generation: this.#generation });
        place.jitter = yield* Random.next;
        place.start = yield* Effect.forkIn(this.#live(place, place.workerId, outcome), this.#scope);
        const { startError, useless } = yield* Deferred.await(outcome);
        Object.assign(place, { status: "starting", pooled: undefined, start: undefined });
        const isTrial = place.replaces !== undefined;
        const now = yield* Clock.currentTimeMillis;
        if (startError === undefined && !useless) failedInTurn = 0;
        else {
          failedInTurn++;
          if (!isTrial) this.#count(now, useless);
        }
        if (startError !== undefined) {
          this.lastError = startError;
          yield* Deferred.fail(this.#firstReady, startError);
          if (isTrial || !startError.retryable) {
            place.status = "stopped";
            yield* Deferred.fail(place.ready, startError);
            if (this.places.every((other) => other.status === "stopped")) dispatcher.despair(startError);
            return;
          }
        }
        // Half of it is random, so that pools that were broken together do not start together.
        const rest = (ms: number): Effect.Effect<void> => Effect.sleep(ms * (0.5 + place.jitter / 2));
        const { first, longest, unhealthy } = constants.restartBackoffMs;
        if (this.unhealthy(now)) {
          if (this.lastError !== undefined) dispatcher.despair(this.lastError);
          yield* rest(unhealthy);
        } else if (startError !== undefined || failedInTurn > 1) {
          // Of a pool that works, somebody kills the new ones: they are soon back.
          const doublings = startError !== undefined ? failedInTurn - 1 : this.#works(now) ? 0 : failedInTurn - 2;
          yield* rest(Math.min(first * 2 ** doublings, longest));
        }
      }
    });
  }

  /** Counts a failure. Workers that die new prove nothing against a pool whose calls succeed: then somebody else kills them. */
  #count(now: number, useless: boolean): void {
    const { succeeded } = this.#options.dispatcher.counts;
    if (succeeded > this.#succeededThen) this.#workedAt = now;
    this.#succeededThen = succeeded;
    if (!useless || !this.#works(now)) this.#failures.push(now);
  }

  /** Whether calls have succeeded within the time that counts. */
  #works(now: number): boolean {
    return now - this.#workedAt < constants.intensity.withinMs;
  }

  /** The life of one worker. `outcome` is told as soon as the place is free for the next, which is before a draining worker has ended. */
  #live(place: Place, workerId: string, outcome: Deferred.Deferred<Outcome>): Effect.Effect<void> {
    const { dispatcher, ...options } = this.#options;
    const { settings, telemetry } = dispatcher;
    const who = { pool: settings.name, worker: workerId };
    const record: SupervisorOptions["record"] = (process) => {
      const recorded = options.record(process);
      const started = (pid: number): void => {
        recorded.started(pid);
        telemetry.say({ type: "worker.spawned", ...who, pid });
      };
      return { started, forget: () => recorded.forget() };
    };
    return Effect.gen({ self: this }, function* () {
      const begunAt = yield* Clock.currentTimeMillis;
      let pooled: PooledWorker | undefined;
      const worker = yield* startWorker(
        options.launch,
        {
          workerId,
          pool: settings.name,
          tools: settings.tools,
          threads: settings.threads,
          env: options.env,
          record,
          limits: options.limits,
          handlers: options.handlers(workerId),
          heartbeat: settings.heartbeat,
          readyTimeoutMs: settings.readyTimeoutMs,
          graceMs: settings.graceMs,
          isCancelling: () => (pooled?.cancelWatch.pending ?? 0) > 0,
        },
        { ...options.events(workerId), onGoing: () => pooled?.retire() },
      );
      place.readyAt = yield* Clock.currentTimeMillis;
      const { pid } = worker;
      telemetry.say({ type: "worker.ready", ...who, pid, startMs: place.readyAt - begunAt });
      if (place.follows !== "") telemetry.say({ type: "worker.restarted", ...who, follows: place.follows });
      const mine = dispatcher.admit(worker);
      pooled = mine;
      Object.assign(place, { status: "taken", pooled });
      this.started++;
      let asked = false;
      const ended = worker.ended.then((end) => {
        telemetry.say(asked ? { type: "worker.stopped", ...who, pid } : { type: "worker.crashed", ...who, pid, error: end.error(0, true) });
        dispatcher.lose(mine, end);
        if (asked) return;
        this.crashes++;
        // For calls that were not with it: those may be sent again.
        this.lastError = end.error(0, true);
      });
      yield* Deferred.succeed(this.#firstReady, undefined);
      yield* Deferred.succeed(place.ready, undefined);
      void mine.going.then(() => {
        if (!place.left) place.ready = Deferred.makeUnsafe();
      });
      yield* Effect.gen(function* () {
        yield* Effect.promise(() => mine.going);
        yield* Deferred.succeed(outcome, { startError: undefined, useless: mine.calls === 0 && !mine.ignoredCancel });
        const drained = Effect.promise(() => Promise.race([mine.drained, ended]));
        // Calls of a worker that is let go have all the time that they were given; one that goes by itself has its own reasons.
        yield* place.left ? drained : drained.pipe(Effect.timeoutOrElse({ duration: settings.graceMs, orElse: () => Effect.void }));
        asked = place.left;
      }).pipe(
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            asked = true;
            if (mine.cancelWatch.pending > 0) worker.hurry();
          }),
        ),
      );
      if (mine.ignoredCancel) {
        telemetry.say({ type: "worker.recycled", ...who, pid, reason: "cancel" });
        asked = true;
        worker.killStuck(`a cancelled call has gone on past the grace period of ${settings.graceMs} ms`);
        yield* Effect.promise(() => ended);
      }
    }).pipe(
      Effect.scoped,
      // An adapter of somebody else's may throw. Its place would otherwise wait for an outcome for ever.
      Effect.catchDefect((cause) => Effect.fail(thrown(workerId, cause))),
      Effect.catch((startError) => {
        telemetry.say({ type: "worker.failed", ...who, error: startError });
        return Effect.asVoid(Deferred.succeed(outcome, { startError, useless: false }));
      }),
    );
  }
}

function thrown(worker: string, cause: unknown): WorkerStartFailed {
  const reason = `its adapter threw: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new WorkerStartFailed({ worker, reason, type: "", traceback: "", stderr: [] }, { cause });
}
