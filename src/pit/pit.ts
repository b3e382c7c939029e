/** A pit: one or several pools that open and close together. Both faces, Promise and Effect, stand on it. */
import { Effect, Exit, Scope } from "effect";
import type { Adapter } from "../adapter/adapter.ts";
import { InvalidOptions, isSnakepitError, type SnakepitError, ToolNotFound } from "../errors/index.ts";
import { closeOnSignal } from "../pool/host-signals.ts";
import { printLog } from "../pool/logs.ts";
import type { PoolSettings } from "../pool/options.ts";
import { newRun, Pool } from "../pool/pool.ts";
import { nearestNames } from "../tool/nearest.ts";
import { type OpenOptions, openSettings } from "./options.ts";

/** Longest time a timer can be set to, in milliseconds. */
const FOREVER_MS = 2 ** 31 - 1;

/** Open pools by name. */
export class Pit {
  /** The pools, in the order they were given. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly #only: Pool | undefined;

  private constructor(pools: ReadonlyMap<string, Pool>) {
    this.pools = pools;
    const [first] = pools.values();
    this.#only = pools.size === 1 ? first : undefined;
  }

  /**
   * Opens every pool and waits until each has a worker that is ready. Closes with the scope: running calls have the grace period to end, then no
   * process and no file is left.
   */
  static open(options: OpenOptions, adapter: Adapter): Effect.Effect<Pit, SnakepitError, Scope.Scope> {
    return Effect.gen(function* () {
      const settings = yield* Effect.try({ try: () => openSettings(options), catch: known });
      const scope = yield* Scope.fork(yield* Effect.scope);
      const close = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void));
      yield* Effect.acquireRelease(
        Effect.sync(() => closeOnSignal(close)),
        (forget) => Effect.sync(forget),
      );
      const services = { handlers: () => ({}), functions: { add: () => 0, remove() {} }, onLog: settings.onLog ?? printLog, run: newRun() };
      // Pools close together: one that waits for its calls does not let the others take new ones.
      const together = yield* Scope.fork(scope, "parallel");
      const open = Effect.fnUntraced(function* (pool: PoolSettings) {
        const own = yield* Scope.fork(together);
        const opened = yield* Pool.open(pool, { ...services, adapter: pool.adapter ?? adapter }).pipe(Scope.provide(own));
        return [pool.name, opened] as const;
      });
      const pools = yield* Effect.forEach(settings.pools, open, { concurrency: "unbounded" });
      // An open pit keeps the program alive, also while every worker is being replaced.
      yield* Effect.acquireRelease(
        Effect.sync(() => setInterval(() => {}, FOREVER_MS)),
        (timer) => Effect.sync(() => clearInterval(timer)),
      ).pipe(Scope.provide(scope));
      return new Pit(new Map(pools));
    });
  }

  /** The pool of this name. Throws InvalidOptions when there is none. */
  pool(name: string): Pool {
    const pool = this.pools.get(name);
    if (pool !== undefined) return pool;
    throw new InvalidOptions({ option: "pool", expected: `the name of a pool: ${[...this.pools.keys()].map((n) => `"${n}"`).join(", ")}` });
  }

  /** The pool that has this tool: the first of several. Throws ToolNotFound when none has it. */
  poolOf(tool: string): Pool {
    if (this.#only !== undefined) return this.#only;
    const names: string[] = [];
    for (const pool of this.pools.values()) {
      if (pool.has(tool)) return pool;
      for (const { name } of pool.tools()) names.push(name);
    }
    throw new ToolNotFound({ tool, nearest: nearestNames(tool, names) });
  }
}

/** What was thrown, when it belongs to the family; anything else is a fault of this package and is thrown on. */
export function known(error: unknown): SnakepitError {
  if (isSnakepitError(error)) return error;
  throw error;
}
