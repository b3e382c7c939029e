/**
 * The Effect face of a pit: the service `Pool.Pool`, and `Pool.layer` that opens and closes it.
 *
 * Calls are interruptible: interrupting one interrupts the tool's code in Python. Errors stand in the error channel by their `_tag`.
 */
import { Context, Effect, Layer, type Scope, Stream } from "effect";
import { python } from "../adapter/python.ts";
import type { ToolArguments } from "../api/calls.ts";
import { familyOnly } from "../errors/family.ts";
import type { InvalidOptions } from "../errors/index.ts";
import { type EffectFunction, plainFunction } from "../host/effect-function.ts";
import type { HostToolOptions } from "../host/host-tools.ts";
import type { CallError, OpenError } from "../pool/errors.ts";
import { type CallTarget, callEffect, type EffectCallOptions, itemStream } from "../pool/faces.ts";
import type { PitHealth, PitStats, WorkerInfo } from "../pool/stats.ts";
import { Sessions } from "../session/service.ts";
import type { PitEvent } from "../telemetry/event.ts";
import type { ToolInfo } from "../tool/info.ts";
import { standOn } from "./core.ts";
import type { OpenOptions } from "./options.ts";
import { Pit } from "./pit.ts";
import { healthOf, statsOf, toolsOf, workersOf } from "./pools.ts";

export type { EffectCallOptions } from "../pool/faces.ts";

/** What can be called: the pit, or one of its pools. */
export interface Callable {
  /** Calls a tool that does not stream. */
  readonly execute: <Result = unknown>(tool: string, args?: ToolArguments, options?: EffectCallOptions) => Effect.Effect<Result, CallError>;
  /** Calls a streaming tool. Ending the stream early closes the Python generator. */
  readonly executeStream: <Item = unknown>(
    tool: string,
    args?: ToolArguments,
    options?: EffectCallOptions,
  ) => Stream.Stream<Item, CallError>;
}

/** Everything that an open pit offers. */
export interface PoolService extends Callable {
  /** One pool of several, by name. Dies with InvalidOptions when there is none of this name. */
  readonly pool: (name: string) => Callable;
  /**
   * Lets Python call a function by its name, until the scope closes. It may give a value, a promise, an Effect, or for `stream_tool` an async iterable or a
   * Stream. Fails with InvalidOptions for a name that is taken.
   */
  readonly provide: <R = never>(
    name: string,
    fn: EffectFunction<R>,
    options?: HostToolOptions,
  ) => Effect.Effect<void, InvalidOptions, R | Scope.Scope>;
  /** The tools there are. */
  readonly tools: Effect.Effect<readonly ToolInfo[]>;
  /** Waits until every worker is ready. */
  readonly ready: Effect.Effect<void, OpenError>;
  /**
   * Replaces every worker by one with the code as it is now, some at a time; done when all are new. No call fails by it. Fails with the import error when the
   * new code does not load, after which the workers that were not replaced until then go on.
   */
  readonly reload: Effect.Effect<void, OpenError>;
  /** The workers, those that start or are draining included. */
  readonly workers: Effect.Effect<readonly WorkerInfo[]>;
  /** Counters since it was opened. */
  readonly stats: Effect.Effect<PitStats>;
  /** How well it is. */
  readonly health: Effect.Effect<PitHealth>;
  /**
   * What happens from the start of the stream on, to its workers, calls, sessions and variables. Who is too slow loses the oldest of 4,096 that wait, and is
   * told how many by an event of type "dropped".
   */
  readonly events: Stream.Stream<PitEvent>;
}

/** Pools of Python workers as a service. */
export class Pool extends Context.Service<Pool, PoolService>()("snakepit/pool/Pool") {}

/**
 * Opens the pools and the sessions when it is built, and closes them with its scope. Sessions are kept in `options.store`, else in a `Session.Store` that
 * stands in the context, else in memory. Fails as `Snakepit.open` rejects.
 */
export const layer = (options: OpenOptions = {}): Layer.Layer<Pool | Sessions, OpenError> =>
  Layer.effectContext(
    Pit.open(options, python).pipe(
      Effect.map((pit) => Context.make(Pool, standOn(service(pit), pit)).pipe(Context.add(Sessions, pit.sessions))),
      Effect.mapError(asOpenError),
    ),
  );

function service(pit: Pit): PoolService {
  const pools = [...pit.pools.values()];
  return {
    ...callable(pit),
    pool: (name) => {
      const pool = pit.pool(name);
      return callable({ poolOf: () => pool });
    },
    provide: <R>(name: string, fn: EffectFunction<R>, options?: HostToolOptions) =>
      Effect.contextWith((context: Context.Context<R>) =>
        Effect.asVoid(
          Effect.acquireRelease(
            Effect.try({ try: () => pit.tools.provide("", name, plainFunction(fn, context), options), catch: familyOnly<InvalidOptions> }),
            (remove) => Effect.sync(remove),
          ),
        ),
      ),
    tools: Effect.sync(() => toolsOf(pit.pools)),
    ready: Effect.forEach(pools, (pool) => pool.ready, { concurrency: "unbounded", discard: true }).pipe(Effect.mapError(asOpenError)),
    reload: Effect.forEach(pools, (pool) => pool.reload, { concurrency: "unbounded", discard: true }).pipe(Effect.mapError(asOpenError)),
    workers: Effect.promise(() => workersOf(pit.pools)),
    stats: Effect.sync(() => statsOf(pit.pools)),
    health: Effect.sync(() => healthOf(pit.pools)),
    events: Stream.suspend(() => Stream.fromAsyncIterable(pit.telemetry.events(), (error) => error)).pipe(Stream.orDie),
  };
}

const callable = (target: CallTarget): Callable => ({
  execute: (tool, args, options) => callEffect(target, tool, args, options),
  executeStream: (tool, args, options) => itemStream(target, tool, args, options),
});

// The list of errors is written down where programs read it; which ones can come is not known to the compiler.
const asOpenError = (error: unknown): OpenError => error as OpenError;
