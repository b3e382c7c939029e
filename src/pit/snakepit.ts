/** The Promise face of a pit. Calls stand directly on the dispatcher; opening and closing run the Effect core. */
import { Effect, Exit, Metric, Scope } from "effect";
import { python } from "../adapter/python.ts";
import type { ToolArguments, ToolCaller } from "../api/calls.ts";
import type { PitLike, SessionInfo, SessionOptions } from "../api/sessions.ts";
import type { HostToolOptions } from "../host/host-tools.ts";
import { callPromise, itemIterator } from "../pool/faces.ts";
import type { CallOptions } from "../pool/options.ts";
import type { Pool } from "../pool/pool.ts";
import type { PitHealth, PitStats, PoolHealth, PoolStats, WorkerInfo } from "../pool/stats.ts";
import { Session } from "../session/session.ts";
import type { PitEvent } from "../telemetry/event.ts";
import type { HostFunction } from "../tool/call.ts";
import type { ToolInfo } from "../tool/info.ts";
import { standOn } from "./core.ts";
import type { OpenOptions } from "./options.ts";
import { Pit } from "./pit.ts";
import { healthOf, statsOf, toolsOf, workersOf } from "./pools.ts";

/** What can be called: a pit, or one of its pools. */
export interface Callable extends ToolCaller {
  /**
   * Calls a tool that does not stream.
   *
   * @param tool - Its name; a method is "Class.method".
   * @param args - Arguments by parameter name.
   * @returns What the tool returned; docs/values.md says what becomes of which type.
   * @throws One of {@link CallError}, such as ToolFailed when the tool raised, or CallTimeout.
   */
  execute<Result = unknown>(tool: string, args?: ToolArguments, options?: CallOptions): Promise<Result>;
  /**
   * Calls a streaming tool. The call starts when the first item is asked for, and stops the tool when items are not taken. Leaving the loop early
   * closes the Python generator.
   *
   * @throws One of {@link CallError}, where the items are taken.
   */
  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options?: CallOptions): AsyncIterableIterator<Item>;
  /** The tools there are, in the order of their definition. */
  tools(): readonly ToolInfo[];
  /** Resolves when every worker is ready; rejects with WorkerStartFailed when one cannot be. */
  ready(): Promise<void>;
  /** The workers, those that start or are draining included. */
  workers(): Promise<WorkerInfo[]>;
  /**
   * Replaces every worker by one with the code as it is now, some at a time, and resolves when all are new. No call fails by it: a worker that is replaced
   * ends with its last call, and sessions move. Until it has resolved calls may meet either code.
   *
   * @throws WorkerStartFailed with the import error when the new code does not load. The workers that were not replaced until then go on.
   */
  reload(): Promise<void>;
}

/** One metric with one set of attributes, as Effect's `Metric` has it. */
export type MetricSnapshot = Metric.Metric.Snapshot;

/** One pool of several. */
export interface PoolHandle extends Callable {
  readonly name: string;
  stats(): PoolStats;
  health(): Promise<PoolHealth>;
}

/**
 * Pools of Python workers, open until closed.
 *
 * @example
 * await using pit = await Snakepit.open({ tools: "./tools.py", workers: 2 });
 * await pit.execute("add", { a: 1, b: 2 });
 */
export class Snakepit implements Callable, PitLike {
  readonly #pit: Pit;
  readonly #scope: Scope.Closeable;
  #closed: Promise<void> | undefined;

  private constructor(pit: Pit, scope: Scope.Closeable) {
    this.#pit = pit;
    this.#scope = scope;
    standOn(this, pit);
  }

  /**
   * Starts the workers and resolves when the first of each pool is ready.
   *
   * @throws InvalidOptions, PythonNotFound, EnvironmentFailed, or WorkerStartFailed with the import error of a tool file.
   */
  static async open(options: OpenOptions = {}): Promise<Snakepit> {
    const scope = Scope.makeUnsafe();
    try {
      return new Snakepit(await Effect.runPromise(Pit.open(options, python).pipe(Scope.provide(scope))), scope);
    } catch (error) {
      await Effect.runPromise(Scope.close(scope, Exit.void));
      throw error;
    }
  }

  execute<Result = unknown>(tool: string, args?: ToolArguments, options?: CallOptions): Promise<Result> {
    return callPromise(this.#pit, tool, args, options);
  }

  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options?: CallOptions): AsyncIterableIterator<Item> {
    return itemIterator(this.#pit, tool, args, options);
  }

  /**
   * Opens the session of this id, or makes it. Without an id it ends with its handle; else it lives until its time is over or it is ended. Works without
   * any worker too.
   *
   * @throws InvalidOptions, QuotaExceeded, StoreFailed.
   */
  async session(id?: string, options?: SessionOptions): Promise<Session> {
    const { sessions, context } = this.#pit;
    return new Session(await Effect.runPromiseWith(context)(sessions.open(id, options)), context);
  }

  /** Every session of the store, those of other programs that share it included. Does not count as use. */
  sessions(): Promise<readonly SessionInfo[]> {
    return Effect.runPromiseWith(this.#pit.context)(this.#pit.sessions.list);
  }

  /**
   * Lets Python call a function by its name: with positional arguments as they come and the named ones as one object, or, when there is a `schema`, with
   * one object of all. A last argument holds a signal that is aborted when nobody waits any more. What it throws is raised in Python. A function that gives an async
   * iterable is called with `stream_tool`. Python sees it until the function that is returned is called.
   *
   * @throws InvalidOptions for a name that is taken.
   */
  provide(name: string, fn: HostFunction, options?: HostToolOptions): () => void {
    return this.#pit.tools.provide("", name, fn, options);
  }

  /** One pool of several, by name. Throws InvalidOptions when there is none of this name. */
  pool(name: string): PoolHandle {
    return handle(this.#pit.pool(name));
  }

  tools(): readonly ToolInfo[] {
    return toolsOf(this.#pit.pools);
  }

  async ready(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => Effect.runPromise(pool.ready)));
  }

  async reload(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => Effect.runPromise(pool.reload)));
  }

  workers(): Promise<WorkerInfo[]> {
    return workersOf(this.#pit.pools);
  }

  /** Counters since it was opened, of all pools together and of each. */
  stats(): PitStats {
    return statsOf(this.#pit.pools);
  }

  /**
   * What happens from now on, one event after the other, as `onEvent` hears it. A reader that is too slow loses the oldest of 4,096 that wait, and is told
   * how many by an event of type "dropped". It ends with the pit. Leave it by `break` or `return`, else its events are kept for nobody.
   */
  events(): AsyncIterableIterator<PitEvent> {
    return this.#pit.telemetry.events();
  }

  /**
   * The metrics of every pit of this program as they stand, by the names that docs/telemetry.md has, and what tools have counted. Empty without the option
   * `metrics`.
   */
  metrics(): readonly MetricSnapshot[] {
    return Metric.snapshotUnsafe(this.#pit.context).filter(
      ({ id, attributes }) => id.startsWith("snakepit.") || attributes?.["snakepit.pool"] !== undefined,
    );
  }

  /** How well it is, and every pool. */
  async health(): Promise<PitHealth> {
    return healthOf(this.#pit.pools);
  }

  /**
   * Closes every pool: running calls have the grace period to end, those that wait fail with PoolClosed, then the workers end. No process and no file is
   * left. May be called twice.
   */
  close(): Promise<void> {
    this.#closed ??= Effect.runPromise(Scope.close(this.#scope, Exit.void));
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #pools(): Pool[] {
    return [...this.#pit.pools.values()];
  }
}

function handle(pool: Pool): PoolHandle {
  const target = { poolOf: () => pool };
  return {
    name: pool.name,
    execute: (tool, args, options) => callPromise(target, tool, args, options),
    executeStream: (tool, args, options) => itemIterator(target, tool, args, options),
    tools: () => pool.tools(),
    ready: () => Effect.runPromise(pool.ready),
    workers: () => pool.workers(),
    reload: () => Effect.runPromise(pool.reload),
    stats: () => pool.stats(),
    health: async () => pool.health(),
  };
}
