/**
 * Workers forked off a server that has imported for them, and spawned where forking is unsafe.
 *
 * A server lives until it dies or new code is wanted. Then the next worker starts another one, a new generation; the old one stays until its last worker
 * has ended, because it alone learns how they end.
 */
import { Deferred, Effect, type Scope } from "effect";
import { type SnakepitError, WorkerStartFailed } from "../errors/index.ts";
import type { Launch, WorkerOrder, WorkerProcess } from "../worker/launch.ts";
import type { Preload, PrepareOptions } from "./adapter.ts";
import { type Command, type ForkServer, ForkServerGone, startForkServer } from "./fork-server.ts";

/** What workers are forked from. */
export interface ForkLaunchOptions extends Pick<PrepareOptions, "pool" | "record" | "onProgress"> {
  readonly preload: Preload;
  /** Gives the command that runs one of Snakepit's own Python modules. */
  run(module: string): Command;
}

/** One server, from its start to its end. */
class Generation {
  readonly number: number;
  readonly server = Deferred.makeUnsafe<ForkServer, SnakepitError>();
  readonly retired = Promise.withResolvers<void>();

  constructor(number: number) {
    this.number = number;
  }
}

/** A server that dies under an order is replaced; the next that does so too is a reason to fail. */
const ATTEMPTS = 2;

/**
 * Makes workers by forking; where that is unsafe it says why, once, and makes them as `spawning` does. The first worker starts the server; what can
 * go wrong with that is the worker's to fail with. Servers end with the scope.
 */
export const forkLaunch: (spawning: Launch, options: ForkLaunchOptions) => Effect.Effect<Launch, never, Scope.Scope> = Effect.fnUntraced(
  function* (spawning, options) {
    const scope = yield* Effect.scope;
    let spawnReason: string | undefined;
    let current: Generation | undefined;
    let generations = 0;

    const spawnFromNowOn = (reason: string): void => {
      spawnReason = reason;
      options.onProgress(`Workers are spawned, not forked: ${reason}.`);
    };

    /** One generation: starts its server, which ends when it is retired and has no worker left. */
    const live = (mine: Generation, order: WorkerOrder): Effect.Effect<void> =>
      Effect.gen(function* () {
        const server = yield* startForkServer({
          pool: options.pool,
          name: `${options.pool} (fork server ${mine.number})`,
          record: options.record,
          run: options.run,
          sources: options.preload === "tools" ? order.tools : options.preload,
          areTools: options.preload === "tools",
          readyTimeoutMs: order.readyTimeoutMs,
          env: order.env,
          onLine: (line) => options.onProgress(`fork server: ${line}`),
        });
        if (server.unsafe !== "" && current === mine) spawnFromNowOn(server.unsafe);
        yield* Deferred.succeed(mine.server, server);
        yield* Effect.promise(() => Promise.race([server.gone, mine.retired.promise.then(() => server.idle())]));
      }).pipe(
        Effect.scoped,
        Effect.onExit(() => Effect.sync(() => forget(mine))),
        Effect.catchCause((cause) => Effect.asVoid(Deferred.failCause(mine.server, cause))),
      );

    const forget = (generation: Generation): void => {
      if (current === generation) current = undefined;
    };

    const generationFor = Effect.fnUntraced(function* (order: WorkerOrder) {
      if (current !== undefined) return current;
      const generation = new Generation(++generations);
      current = generation;
      yield* Effect.forkIn(live(generation, order), scope);
      return generation;
    });

    const fork = Effect.fnUntraced(function* (order: WorkerOrder) {
      for (let attempt = 1; ; attempt++) {
        const generation = yield* generationFor(order);
        // Nothing has been made for this worker until its server is there, and it may be waited for long.
        const server = yield* Effect.interruptible(Deferred.await(generation.server)).pipe(
          Effect.mapError((error) => inNameOf(error, order, options.preload)),
        );
        if (server.unsafe !== "") return yield* spawning.spawn(order);
        const forked = yield* Effect.promise(() => server.fork(order).catch((cause: unknown) => new NotForked(cause)));
        if (!(forked instanceof NotForked)) return forked;
        if (!(forked.cause instanceof ForkServerGone) || attempt === ATTEMPTS) return yield* Effect.fail(notForked(order, forked.cause));
        forget(generation);
      }
    });

    if (process.platform !== "linux") spawnFromNowOn(`forking is unsafe on ${process.platform}`);
    return {
      spawn: (order): Effect.Effect<WorkerProcess, SnakepitError> =>
        Effect.suspend(() => (spawnReason === undefined ? fork(order) : spawning.spawn(order))),
      connect: spawning.connect,
      get spawnReason() {
        return spawnReason;
      },
      renew() {
        current?.retired.resolve();
        current = undefined;
        // The new code may be safe to fork.
        if (process.platform === "linux") spawnReason = undefined;
      },
    };
  },
);

/** Stands for a fork that failed. */
class NotForked {
  readonly cause: unknown;

  constructor(cause: unknown) {
    this.cause = cause;
  }
}

const notForked = (order: WorkerOrder, cause: unknown): WorkerStartFailed =>
  new WorkerStartFailed(
    {
      worker: order.workerId,
      reason: cause instanceof ForkServerGone ? "the fork server ended twice" : `it could not be forked: ${String(cause)}`,
      type: "",
      traceback: "",
      stderr: [],
    },
    { cause, retryable: true },
  );

/** What went wrong with the server, as the failure of the worker that wanted it. */
function inNameOf(error: SnakepitError, order: WorkerOrder, preload: Preload): SnakepitError {
  if (!(error instanceof WorkerStartFailed)) return error;
  const reason = preload === "tools" ? error.reason : `preload: ${error.reason}`;
  const { type, traceback, stderr, retryable, cause } = error;
  return new WorkerStartFailed({ worker: order.workerId, reason, type, traceback, stderr }, { cause, retryable });
}
