/** A pit: one or several pools and the sessions of a program, which open and close together. Both faces, Promise and Effect, stand on it. */
import { Context, Effect, Exit, Layer, Option, Scope } from "effect";
import type { Adapter } from "../adapter/adapter.ts";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { familyOnly } from "../errors/family.ts";
import { InvalidOptions, type SnakepitError, ToolNotFound } from "../errors/index.ts";
import { HostFunctions } from "../host/functions.ts";
import { HostTools } from "../host/host-tools.ts";
import { toolHandlers } from "../host/tool-handlers.ts";
import type { CallTarget } from "../pool/faces.ts";
import { closeOnSignal } from "../pool/host-signals.ts";
import { type LogEvent, printLog } from "../pool/logs.ts";
import type { PoolSettings } from "../pool/options.ts";
import { newRun, Pool } from "../pool/pool.ts";
import { registryMessage } from "../registry/message.ts";
import { openRegistry } from "../registry/registry.ts";
import { SessionManager } from "../session/manager.ts";
import { observedStore, sessionEvent } from "../session/observed.ts";
import { Store } from "../session/service.ts";
import type { StoreService } from "../session/store.ts";
import { variableHandlers } from "../session/variable-handlers.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { Telemetry } from "../telemetry/telemetry.ts";
import { nearestNames } from "../tool/nearest.ts";
import { Administration } from "./admin.ts";
import { Logs } from "./logs.ts";
import { exporting, exportLines } from "./open-telemetry.ts";
import { type OpenOptions, openSettings, type SessionStore } from "./options.ts";
import { type Pools, toolsOf } from "./pools.ts";

/** Longest time a timer can be set to, in milliseconds. */
const FOREVER_MS = 2 ** 31 - 1;

/** Open pools by name, and the sessions that call them. */
export class Pit implements CallTarget {
  /** The pools, in the order they were given. */
  readonly pools: Pools;
  /** The sessions of the program. */
  readonly sessions: SessionManager;
  /** What Python may call. */
  readonly tools: HostTools;
  /** What is told of all that happens. */
  readonly telemetry: Telemetry;
  /** What tools print and log. */
  readonly logs: Logs;
  /** Whether what happens is counted in the metrics of `context`. */
  readonly metrics: boolean;
  /** How it stands, and what can be done to it from outside of the program. */
  readonly admin: Administration;
  /** What effects run with that have to do with it. */
  readonly context: Context.Context<never>;
  readonly #only: Pool | undefined;

  private constructor(parts: Pick<Pit, "pools" | "sessions" | "telemetry" | "logs" | "metrics" | "admin" | "context">) {
    const { pools, sessions } = parts;
    this.pools = pools;
    this.sessions = sessions;
    this.tools = sessions.host.tools;
    this.telemetry = parts.telemetry;
    this.logs = parts.logs;
    this.metrics = parts.metrics;
    this.admin = parts.admin;
    this.context = parts.context;
    const [first] = pools.values();
    this.#only = pools.size === 1 ? first : undefined;
  }

  /**
   * Opens every pool and waits until each has a worker that is ready. Closes with the scope: running calls have the grace period to end, then no
   * process and no file is left.
   */
  static open(options: OpenOptions, adapter: Adapter): Effect.Effect<Pit, SnakepitError, Scope.Scope> {
    return Effect.gen(function* () {
      const settings = yield* Effect.try({ try: () => openSettings(options), catch: familyOnly<SnakepitError> });
      const scope = yield* Scope.fork(yield* Effect.scope);
      const close = (): Promise<void> => Effect.runPromise(Scope.close(scope, Exit.void));
      yield* Effect.acquireRelease(
        Effect.sync(() => closeOnSignal(close)),
        (forget) => Effect.sync(forget),
      );
      // Ends last, since all that happens until then is to be sent.
      const context = settings.openTelemetry ? yield* exporting.pipe(Scope.provide(scope)) : yield* Effect.context<never>();
      const telemetry = yield* Effect.acquireRelease(
        Effect.sync(() => new Telemetry()),
        (all) => Effect.sync(() => all.close()),
      ).pipe(Scope.provide(scope));
      if (settings.onEvent !== undefined) telemetry.listen(settings.onEvent);
      const metrics = settings.metrics || settings.openTelemetry ? new Metrics(context) : undefined;
      if (metrics !== undefined) telemetry.listen(metrics.take);
      const opened = new Map<string, Pool>();
      const tools = new HostTools();
      const functions = new HostFunctions();
      const poolOf = (tool: string): Pool => {
        for (const pool of opened.values()) if (pool.has(tool)) return pool;
        throw new ToolNotFound({ tool, nearest: nearest(tool, opened) });
      };
      // Opened before the pools and closed after them, since tools use sessions to their end.
      const store = yield* sessionStore(settings.store).pipe(
        Effect.map((plain) => observedStore(plain, telemetry)),
        Scope.provide(scope),
      );
      const sessions = yield* SessionManager.make(settings.sessions, store, { poolOf, tools }).pipe(Scope.provide(scope));
      sessions.onEvent((event) => telemetry.say(sessionEvent(event)));
      const handlers =
        (pool: string) =>
        (worker: string): HostHandlers => ({
          pingHost: ({ message }) => ({ message }),
          reportTelemetry({ counters }) {
            telemetry.say({ type: "counters", pool, worker, counters });
            return {};
          },
          ...variableHandlers(sessions, worker, context),
          ...toolHandlers(tools, functions, { run, id: worker, pool, hostCallOf: (call) => opened.get(pool)?.hostCallOf(worker, call) }),
        });
      const logs = new Logs(settings.onLog ?? printLog);
      if (settings.openTelemetry) logs.listen(exportLines(context));
      const registry = yield* openRegistry({
        onEvent: (event) => logs.say({ ...fromRegistry, text: registryMessage(event) }),
      }).pipe(Scope.provide(scope));
      const run = newRun();
      const admin = yield* Effect.acquireRelease(
        Effect.sync(() => {
          const list = () => Effect.runPromiseWith(context)(sessions.list);
          return new Administration({ pools: opened, telemetry, logs, sessions: list, close });
        }),
        (open) => Effect.sync(() => open.stop()),
      ).pipe(Scope.provide(scope));
      const host = yield* registry.host({ run, pools: settings.pools.map(({ name }) => name), admin }).pipe(Scope.provide(scope));
      yield* registry.sweep.pipe(Effect.forkIn(scope));
      const services = { functions, onLog: logs.say, telemetry, run, record: host.record };
      // Pools close together: one that waits for its calls does not let the others take new ones.
      const together = yield* Scope.fork(scope, "parallel");
      const open = Effect.fnUntraced(function* (pool: PoolSettings) {
        const own = yield* Scope.fork(together);
        const its = { ...services, handlers: handlers(pool.name), adapter: pool.adapter ?? adapter };
        return [pool.name, yield* Pool.open(pool, its).pipe(Scope.provide(own), Effect.provideContext(context))] as const;
      });
      for (const [name, pool] of yield* Effect.forEach(settings.pools, open, { concurrency: "unbounded" })) opened.set(name, pool);
      for (const pool of opened.values()) {
        yield* Effect.acquireRelease(
          Effect.sync(() => metrics?.observe(pool.name, () => pool.stats())),
          (forget) => Effect.sync(() => forget?.()),
        ).pipe(Scope.provide(scope));
      }
      yield* Effect.forkIn(tellStatistics([...opened.values()], telemetry, settings.statisticsIntervalMs), scope);
      // An open pit keeps the program alive, also while every worker is being replaced.
      yield* Effect.acquireRelease(
        Effect.sync(() => setInterval(() => {}, FOREVER_MS)),
        (timer) => Effect.sync(() => clearInterval(timer)),
      ).pipe(Scope.provide(scope));
      return new Pit({ pools: opened, sessions, telemetry, logs, metrics: metrics !== undefined, admin, context });
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
    return this.#only ?? this.sessions.host.poolOf(tool);
  }
}

/** The registry belongs to no pool. */
const fromRegistry = {
  pool: "registry",
  worker: "",
  tool: "",
  session: "",
  call: 0,
  trace: "",
  level: "warning",
  source: "snakepit",
} satisfies Omit<LogEvent, "text">;

/** Tells how the pools stand, again and again. */
const tellStatistics = (pools: readonly Pool[], telemetry: Telemetry, intervalMs: number): Effect.Effect<never> => {
  const told = Effect.forEach(
    pools,
    (pool) =>
      Effect.promise(async () => {
        const workers = await pool.workers();
        const memoryBytes = workers.reduce((sum, worker) => sum + worker.memoryBytes, 0);
        telemetry.say({ type: "statistics", pool: pool.name, stats: pool.stats(), memoryBytes });
      }),
    { concurrency: "unbounded", discard: true },
  );
  return Effect.sleep(intervalMs).pipe(Effect.andThen(Effect.suspend(() => (telemetry.active ? told : Effect.void))), Effect.forever);
};

/** What is given, else what stands in the context, else memory. */
const sessionStore = (given: SessionStore | undefined): Effect.Effect<StoreService, SnakepitError, Scope.Scope> =>
  Effect.gen(function* () {
    const there = yield* Effect.serviceOption(Store);
    if (given === undefined && Option.isSome(there)) return there.value;
    return Context.get(yield* Layer.build(given ?? Store.layerMemory), Store);
  });

const nearest = (tool: string, pools: Pools): string[] =>
  nearestNames(
    tool,
    toolsOf(pools).map(({ name }) => name),
  );
