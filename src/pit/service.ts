/**
 * The Effect face of a pit: the service `Pool.Pool`, and `Pool.layer` that opens and closes it.
 *
 * Calls are interruptible: interrupting one interrupts the tool's code in Python. Errors stand in the error channel by their `_tag`.
 */
import { Cause, Context, Effect, Layer, Stream } from "effect";
import { python } from "../adapter/python.ts";
import type { CallError, OpenError } from "../pool/errors.ts";
import type { CallOptions } from "../pool/options.ts";
import type { ToolArguments } from "../pool/pool.ts";
import { type PitHealth, type PitStats, pitHealth, pitStats, type WorkerInfo } from "../pool/stats.ts";
import type { ToolInfo } from "../tool/info.ts";
import type { OpenOptions } from "./options.ts";
import { known, Pit } from "./pit.ts";

/** Options of one call; interruption takes the place of a signal. */
export type EffectCallOptions = Omit<CallOptions, "signal">;

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
  /** The tools there are. */
  readonly tools: Effect.Effect<readonly ToolInfo[]>;
  /** Waits until every worker is ready. */
  readonly ready: Effect.Effect<void, OpenError>;
  /** The workers, those that start or are draining included. */
  readonly workers: Effect.Effect<readonly WorkerInfo[]>;
  /** Counters since it was opened. */
  readonly stats: Effect.Effect<PitStats>;
  /** How well it is. */
  readonly health: Effect.Effect<PitHealth>;
}

/** Pools of Python workers as a service. */
export class Pool extends Context.Service<Pool, PoolService>()("snakepit/pool/Pool") {}

/** Opens the pools when it is built, and closes them with its scope. Fails as `Snakepit.open` rejects. */
export const layer = (options: OpenOptions = {}): Layer.Layer<Pool, OpenError> =>
  Layer.effect(Pool, Pit.open(options, python).pipe(Effect.map(service), Effect.mapError(asOpenError)));

function service(pit: Pit): PoolService {
  const pools = [...pit.pools.values()];
  const byName = <T>(of: (pool: (typeof pools)[number]) => T): Record<string, T> =>
    Object.fromEntries(pools.map((pool) => [pool.name, of(pool)]));
  return {
    ...callable((tool) => pit.poolOf(tool)),
    pool: (name) => {
      const pool = pit.pool(name);
      return callable(() => pool);
    },
    tools: Effect.sync(() => pools.flatMap((pool) => pool.tools())),
    ready: Effect.forEach(pools, (pool) => pool.ready, { concurrency: "unbounded", discard: true }).pipe(Effect.mapError(asOpenError)),
    workers: Effect.promise(async () => (await Promise.all(pools.map((pool) => pool.workers()))).flat()),
    stats: Effect.sync(() => pitStats(byName((pool) => pool.stats()))),
    health: Effect.sync(() => pitHealth(byName((pool) => pool.health()))),
  };
}

type PoolOf = (tool: string) => ReturnType<Pit["poolOf"]>;

const callable = (poolOf: PoolOf): Callable => ({
  execute: (tool, args, options) =>
    Effect.callback((resume) => {
      const fail = (error: unknown): void => resume(Effect.fail(asCallError(error)));
      try {
        const pool = poolOf(tool);
        // What a tool returns has the type that the caller says it has.
        const call = pool.call(tool, args, options, (value) => resume(Effect.succeed(value as never)), fail);
        return Effect.sync(() => pool.cancel(call));
      } catch (error) {
        return fail(known(error));
      }
    }),
  executeStream: (tool, args, options) => Stream.unwrap(items(poolOf, tool, args, options)),
});

/** The batches of a streaming call as they arrive. */
const items = Effect.fnUntraced(function* (
  poolOf: PoolOf,
  tool: string,
  args: ToolArguments | undefined,
  options: EffectCallOptions | undefined,
) {
  const call = yield* Effect.acquireRelease(
    Effect.try({ try: () => poolOf(tool).stream(tool, args, options), catch: (error) => asCallError(known(error)) }),
    (call) => Effect.sync(() => call.leave()),
  );
  const pull = Effect.tryPromise({ try: () => call.pull(), catch: (error) => asCallError(known(error)) }).pipe(
    Effect.flatMap((batch) => (isNonEmpty(batch) ? Effect.succeed(batch) : Cause.done())),
  );
  return Stream.fromPull(Effect.succeed(pull));
});

/** A batch has at least one item; there is none at the end. What a tool yields has the type that the caller says it has. */
const isNonEmpty = (batch: readonly unknown[] | undefined): batch is readonly [never, ...never[]] =>
  batch !== undefined && batch.length > 0;

// The lists of errors are written down where programs read them; which ones can come is not known to the compiler.
const asCallError = (error: unknown): CallError => error as CallError;
const asOpenError = (error: unknown): OpenError => error as OpenError;
