/**
 * Keeps the workers of a pool alive: one fiber a place, in which one worker after the other lives.
 *
 * A worker that dies is replaced at once. Failed starts, and workers that die before they have finished one call, are not under load but broken: after
 * each the place rests longer, and after five within ten seconds the pool is unhealthy, its calls fail with the last cause, and it tries again only every
 * ten seconds. What a worker itself says about its start, such as a tool file that cannot be imported, will not change: the place is given up.
 */
import { Clock, Deferred, Effect, type Scope } from "effect";
import type { CarrierLimits } from "../carrier/carrier.ts";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { PoolClosed, type SnakepitError, WorkerStartFailed } from "../errors/index.ts";
import type { RegisteredHost } from "../registry/registry.ts";
import type { Launch } from "../worker/launch.ts";
import { startWorker, type WorkerEvents } from "../worker/worker.ts";
import { constants } from "./defaults.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { hostIsDying } from "./host-signals.ts";
import type { PooledWorker } from "./pooled-worker.ts";

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
export interface Place {
  workerId: string;
  status: "starting" | "taken" | "stopped";
  pooled: PooledWorker | undefined;
  /** Done when its worker is ready; another one as soon as that worker is lost. Fails when the place is given up. */
  ready: Deferred.Deferred<void, SnakepitError>;
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
  readonly places: Place[] = [];
  /** Workers that became ready. */
  started = 0;
  /** Workers that ended without being asked to. */
  crashes = 0;
  /** What went wrong last. */
  lastError: SnakepitError | undefined;
  /** When starts failed, or workers proved useless, within the time that counts. */
  #failures: number[] = [];
  readonly #options: SupervisorOptions;
  readonly #firstReady = Deferred.makeUnsafe<void, SnakepitError>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** Kills the worker of this name. */
  kill(workerId: string): boolean {
    const place = this.places.find((place) => place.workerId === workerId && place.pooled !== undefined);
    place?.pooled?.worker.kill();
    return place !== undefined;
  }

  /** Resolves when the first worker is ready; fails when one could not start before that. */
  get firstReady(): Effect.Effect<void, SnakepitError> {
    return Deferred.await(this.#firstReady);
  }

  /** Resolves when every place has a worker that is ready; fails when a place is given up. */
  get allReady(): Effect.Effect<void, SnakepitError> {
    return Effect.forEach(this.places, ({ ready }) => Deferred.await(ready), { concurrency: "unbounded", discard: true });
  }

  /** Whoever waits for a worker that was not ready until now is told that there will be none. */
  close(): void {
    if (hostIsDying()) return;
    const closed = new PoolClosed({ pool: this.#options.dispatcher.settings.name });
    for (const ready of [this.#firstReady, ...this.places.map((place) => place.ready)]) Deferred.doneUnsafe(ready, Effect.fail(closed));
  }

  /** Whether workers end as soon as they start. */
  unhealthy(now: number): boolean {
    this.#failures = this.#failures.filter((at) => now - at < constants.intensity.withinMs);
    return this.#failures.length >= constants.intensity.failures;
  }

  /** Starts `count` workers, which live as long as the scope. */
  start(count: number): Effect.Effect<void, never, Scope.Scope> {
    return Effect.forEach(Array.from({ length: count }), () => Effect.forkScoped(this.#keep()), { discard: true });
  }

  /** One place: a worker, then the next one, until the scope closes or there is no point. */
  #keep(): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const { dispatcher } = this.#options;
      const { first, longest, unhealthy } = constants.restartBackoffMs;
      const place: Place = { workerId: "", status: "starting", pooled: undefined, ready: Deferred.makeUnsafe() };
      this.places.push(place);
      let failedStarts = 0;
      for (;;) {
        const outcome = Deferred.makeUnsafe<Outcome>();
        yield* Effect.forkScoped(this.#live(place, outcome));
        const { startError, useless } = yield* Deferred.await(outcome);
        const now = yield* Clock.currentTimeMillis;
        if (startError !== undefined || useless) this.#failures.push(now);
        if (startError !== undefined) {
          this.lastError = startError;
          yield* Deferred.fail(this.#firstReady, startError);
          if (!startError.retryable) {
            place.status = "stopped";
            yield* Deferred.fail(place.ready, startError);
            if (this.places.every((other) => other.status === "stopped")) dispatcher.despair(startError);
            return;
          }
        }
        if (this.unhealthy(now)) {
          if (this.lastError !== undefined) dispatcher.despair(this.lastError);
          yield* Effect.sleep(unhealthy);
        } else if (startError !== undefined) yield* Effect.sleep(Math.min(first * 2 ** failedStarts++, longest));
        if (startError === undefined) failedStarts = 0;
      }
    });
  }

  /** The life of one worker. `outcome` is told as soon as the place is free for the next, which is before a draining worker has ended. */
  #live(place: Place, outcome: Deferred.Deferred<Outcome>): Effect.Effect<void> {
    const { dispatcher, ...options } = this.#options;
    const { settings } = dispatcher;
    const workerId = options.nextId();
    return Effect.gen({ self: this }, function* () {
      Object.assign(place, { workerId, status: "starting", pooled: undefined });
      let pooled: PooledWorker | undefined;
      const worker = yield* startWorker(
        options.launch,
        {
          workerId,
          pool: settings.name,
          tools: settings.tools,
          threads: settings.threads,
          env: options.env,
          record: options.record,
          limits: options.limits,
          handlers: options.handlers(workerId),
          heartbeat: constants.heartbeat,
          readyTimeoutMs: settings.readyTimeoutMs,
          graceMs: settings.graceMs,
        },
        { ...options.events(workerId), onGoing: () => pooled?.retire() },
      );
      const mine = dispatcher.admit(worker);
      pooled = mine;
      Object.assign(place, { status: "taken", pooled });
      this.started++;
      let asked = false;
      const ended = worker.ended.then((end) => {
        dispatcher.lose(mine, end);
        if (asked) return;
        this.crashes++;
        // For calls that were not with it: those may be sent again.
        this.lastError = end.error(0, true);
      });
      yield* Deferred.succeed(this.#firstReady, undefined);
      yield* Deferred.succeed(place.ready, undefined);
      void mine.going.then(() => {
        place.ready = Deferred.makeUnsafe();
      });
      yield* Effect.promise(() => mine.going).pipe(
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            asked = true;
            if (mine.cancelWatch.pending > 0) worker.hurry();
          }),
        ),
      );
      yield* Deferred.succeed(outcome, { startError: undefined, useless: mine.calls === 0 && !mine.ignoredCancel });
      yield* Effect.promise(() => Promise.race([mine.drained, ended])).pipe(
        Effect.timeoutOrElse({ duration: settings.graceMs, orElse: () => Effect.void }),
      );
      if (mine.ignoredCancel) {
        asked = true;
        worker.kill();
      }
    }).pipe(
      Effect.scoped,
      // An adapter of somebody else's may throw. Its place would otherwise wait for an outcome for ever.
      Effect.catchDefect((cause) => Effect.fail(thrown(workerId, cause))),
      Effect.catch((startError) => Effect.asVoid(Deferred.succeed(outcome, { startError, useless: false }))),
    );
  }
}

function thrown(worker: string, cause: unknown): WorkerStartFailed {
  const reason = `its adapter threw: ${cause instanceof Error ? cause.message : String(cause)}`;
  return new WorkerStartFailed({ worker, reason, type: "", traceback: "", stderr: [] }, { cause });
}
