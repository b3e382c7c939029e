/** One pool: its workers, its dispatcher, and the calls made of it. */

import { randomBytes } from "node:crypto";
import { Effect, Scope, Tracer } from "effect";
import type { Adapter } from "../adapter/adapter.ts";
import type { ToolArguments } from "../api/calls.ts";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { InvalidArguments, type SnakepitError, StreamingNotSupported } from "../errors/index.ts";
import type { RegisteredHost } from "../registry/registry.ts";
import { takeSpan } from "../telemetry/call-span.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { tell } from "../telemetry/tell.ts";
import type { HostFunctions } from "../tool/call.ts";
import type { HostCall } from "../tool/host-call.ts";
import { type ToolInfo, toolInfo } from "../tool/info.ts";
import { autoReload, freshSources } from "./auto-reload.ts";
import { type InSession, UnaryCall } from "./call.ts";
import type { CallSession } from "./call-session.ts";
import { realClock } from "./clock.ts";
import { constants } from "./defaults.ts";
import { Dispatcher } from "./dispatcher.ts";
import { checkHedge } from "./hedge.ts";
import { LiveCalls } from "./live-calls.ts";
import { type LogEvent, levelName } from "./logs.ts";
import { type CallOptions, checkCallOptions, type PoolSettings } from "./options.ts";
import { SessionRoute } from "./session-route.ts";
import type { PoolHealth, PoolStats, WorkerInfo } from "./stats.ts";
import { StreamCall } from "./stream-call.ts";
import { Supervisor } from "./supervisor.ts";
import { Upkeep } from "./upkeep.ts";

/** What a pool is opened with, beside its options. */
export interface PoolServices {
  readonly adapter: Adapter;
  /** What answers the calls that a worker opens. The id of the worker is unique within its pit. */
  readonly handlers: (workerId: string) => HostHandlers;
  /** Functions among the arguments of calls. */
  readonly functions: HostFunctions;
  readonly onLog: (event: LogEvent) => void;
  /** Who is told what happens. */
  readonly telemetry: Telemetry;
  /** A value that all workers of one pit have in their environment, by which its processes can be found. */
  readonly run: string;
  /** Writes down a process that is about to be started. */
  readonly record: RegisteredHost["record"];
}

/** One pool, open. */
export class Pool {
  readonly #dispatcher: Dispatcher;
  readonly #supervisor: Supervisor | undefined;
  readonly #adapter: Adapter;
  /** Its calls that wait or run. */
  readonly calls: LiveCalls;

  private constructor(dispatcher: Dispatcher, calls: LiveCalls, supervisor: Supervisor | undefined, adapter: Adapter) {
    this.#dispatcher = dispatcher;
    this.#supervisor = supervisor;
    this.#adapter = adapter;
    this.calls = calls;
  }

  /** Opens a pool: prepares its adapter, starts its workers, and waits until one is ready. It closes with its scope. */
  static open(settings: PoolSettings, services: PoolServices): Effect.Effect<Pool, SnakepitError, Scope.Scope> {
    return Effect.gen(function* () {
      const dispatcher = new Dispatcher(settings, services.functions, realClock, services.telemetry, services.run);
      const calls = new LiveCalls(dispatcher);
      const { adapter, onLog } = services;
      if (settings.tools.length === 0) {
        yield* Effect.addFinalizer(() => Effect.promise(() => dispatcher.close()));
        return new Pool(dispatcher, calls, undefined, adapter);
      }
      const log = (event: Partial<LogEvent>): void =>
        tell(onLog, {
          pool: settings.name,
          worker: "",
          tool: "",
          session: "",
          call: 0,
          trace: "",
          level: "info",
          source: "snakepit",
          text: "",
          ...event,
        });
      const tracer = yield* Tracer.Tracer;
      const launch = yield* adapter.prepare({
        pool: settings.name,
        python: settings.python,
        preload: settings.preload,
        containment: settings.containment,
        record: services.record,
        onProgress: (text) => log({ source: "setup", text }),
      });
      // Workers end after the calls have ended.
      const workersScope = yield* Scope.fork(yield* Effect.scope);
      let workers = 0;
      const supervisor = new Supervisor({
        launch,
        dispatcher,
        limits: {
          maxMessageBytes: settings.maxMessageBytes,
          maxBufferBytes: settings.maxBufferBytes,
          streamWindowBytes: constants.streamWindowBytes,
          sharedMemoryBytes: settings.sharedMemoryBytes,
        },
        handlers: services.handlers,
        env: { ...settings.env, ...(settings.reload ? freshSources : {}), SNAKEPIT_RUN: services.run },
        record: services.record,
        nextId: () => `${settings.name}-${++workers}`,
        events: (worker) => ({
          onLog: (line, call) =>
            log({
              call: call === undefined ? 0 : calls.numberOf(call),
              worker,
              tool: line.tool,
              session: line.sessionId,
              trace: line.traceId,
              level: levelName(line.level),
              source: line.source,
              text: line.text,
            }),
          onSpan: (span) => takeSpan(span, { pool: settings.name, worker, telemetry: services.telemetry, tracer }),
          onLine: (source, text) => log({ worker, level: source === "stderr" ? "warning" : "info", source, text }),
        }),
      });
      yield* Effect.addFinalizer(() =>
        Effect.promise(() => {
          supervisor.close();
          return dispatcher.close();
        }),
      );
      // A first one shows that the tools load, and which there are.
      yield* supervisor.start(Math.max(1, settings.workers.min)).pipe(Scope.provide(workersScope));
      yield* supervisor.firstReady;
      yield* Effect.forkIn(new Upkeep(dispatcher, supervisor).run, workersScope);
      if (settings.reload) yield* autoReload(settings.tools, supervisor.reload, log).pipe(Scope.provide(workersScope));
      return new Pool(dispatcher, calls, supervisor, adapter);
    });
  }

  /**
   * Replaces every worker by one with the code as it is now; no call fails by it. Fails with the start error when a new one cannot start, after which those
   * that were not replaced go on.
   */
  get reload(): Effect.Effect<void, SnakepitError> {
    return this.#supervisor === undefined ? Effect.void : this.#supervisor.reload;
  }

  /** Kills a worker, which is replaced. Gives whether there is one of this name. */
  kill(workerId: string): boolean {
    return this.#supervisor?.kill(workerId) ?? false;
  }

  /** Its name. */
  get name(): string {
    return this.#dispatcher.settings.name;
  }

  /** Whether one of its workers has a tool of this name. */
  has(tool: string): boolean {
    return this.#dispatcher.catalog.has(tool);
  }

  /** The tools of its workers. */
  tools(): readonly ToolInfo[] {
    return this.#dispatcher.catalog.tools.map(toolInfo);
  }

  /** Resolves when every worker is ready. */
  get ready(): Effect.Effect<void, SnakepitError> {
    return this.#supervisor === undefined ? Effect.void : this.#supervisor.allReady;
  }

  /**
   * Starts a call of a tool that does not stream, and tells its end to one of the two functions. Gives the call back, so that it can be cancelled with
   * {@link Pool.cancel}. Throws what can be known before anything is sent.
   *
   * @param route - The session that it belongs to. Default: none.
   */
  call(
    tool: string,
    args: ToolArguments | undefined,
    options: CallOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: SnakepitError) => void,
    route?: SessionRoute,
  ): UnaryCall {
    const entry = this.#find(tool, args, options, false);
    const { timeoutMs, retry } = this.#dispatcher.settings;
    const call = new UnaryCall(
      this.#dispatcher,
      entry,
      args ?? {},
      timeoutMs,
      retry,
      options,
      resolve,
      reject,
      inSession(route, tool, args),
    );
    this.#dispatcher.submit(call);
    return call;
  }

  /**
   * Starts a call of a streaming tool. Throws what can be known before anything is sent.
   *
   * @param route - The session that it belongs to. Default: none.
   */
  stream(tool: string, args: ToolArguments | undefined, options: CallOptions | undefined, route?: SessionRoute): StreamCall {
    const entry = this.#find(tool, args, options, true);
    const { streamTimeoutMs, retry } = this.#dispatcher.settings;
    const call = new StreamCall(this.#dispatcher, entry, args ?? {}, streamTimeoutMs, retry, options, inSession(route, tool, args));
    this.#dispatcher.submit(call);
    return call;
  }

  /** Cancels a call. Its code in Python is interrupted; the call fails with Cancelled. */
  cancel(call: UnaryCall): void {
    this.#dispatcher.abandon(call, call.cancelled());
  }

  /** Begins to send calls of a session. Close the route when the session has no more to make. */
  route(session: CallSession): SessionRoute {
    return new SessionRoute(session, this.#dispatcher);
  }

  /**
   * The call of a host tool that a call on a worker is part of, given its id on the wire; undefined when the program made the call. It is the `parent` of
   * a call of a host tool that this call makes.
   */
  hostCallOf(workerId: string, wireId: number): HostCall | undefined {
    return this.#dispatcher.hostCallOf(workerId, wireId);
  }

  /** Counters since it was opened. */
  stats(): PoolStats {
    const { counts, live, queued } = this.#dispatcher;
    return {
      ...counts,
      live,
      queued,
      workers: this.#supervisor?.size ?? 0,
      ready: this.#readyWorkers(),
      started: this.#supervisor?.started ?? 0,
      crashes: this.#supervisor?.crashes ?? 0,
      recycled: this.#supervisor?.recycled ?? 0,
    };
  }

  /** How well it is. */
  health(): PoolHealth {
    const workers = this.#supervisor?.size ?? 0;
    const ready = this.#readyWorkers();
    const live = this.#dispatcher.workers.filter(({ worker }) => worker.lives).length;
    const cause = this.#supervisor?.lastError;
    const broken = workers > 0 && cause !== undefined && (ready === 0 || this.#supervisor?.unhealthy(Date.now()));
    const { breaker } = this.#dispatcher;
    const worse = Math.min(ready, live) < workers || (breaker !== undefined && breaker !== "closed");
    const status = this.#dispatcher.closed ? "closed" : broken ? "unhealthy" : worse ? "degraded" : "healthy";
    return { status, workers, ready, live, breaker, cause };
  }

  /** Its workers, those that start and those that are draining included. */
  async workers(): Promise<WorkerInfo[]> {
    const { workers, settings } = this.#dispatcher;
    const places = this.#supervisor?.places ?? [];
    const waiting = places.filter((place) => place.status !== "taken");
    const infos = workers.map(async (pooled): Promise<WorkerInfo> => {
      const { worker } = pooled;
      return {
        id: worker.id,
        pid: worker.pid,
        pool: settings.name,
        status: pooled.draining ? "draining" : pooled.inFlight > 0 ? "busy" : "ready",
        calls: pooled.calls,
        memoryBytes: await worker.memoryBytes(),
        uptimeMs: Date.now() - worker.readyAt,
        startedBy: worker.startedBy,
      };
    });
    const others = waiting.map(
      ({ workerId, status }): WorkerInfo => ({
        id: workerId,
        pid: 0,
        pool: settings.name,
        status: status === "stopped" || this.#dispatcher.closed ? "stopped" : "starting",
        calls: 0,
        memoryBytes: 0,
        uptimeMs: 0,
        startedBy: settings.preload === undefined ? "spawn" : "fork",
      }),
    );
    return [...(await Promise.all(infos)), ...others];
  }

  #readyWorkers(): number {
    return this.#dispatcher.workers.filter((pooled) => !pooled.draining).length;
  }

  #find(tool: string, args: ToolArguments | undefined, options: CallOptions | undefined, streaming: boolean) {
    if (options !== undefined) checkCallOptions(options);
    const entry = this.#dispatcher.catalog.find(tool, streaming);
    if (entry instanceof Error) throw entry;
    if (options?.hedgeMs !== undefined) checkHedge(entry, args, options, this.#dispatcher.settings.retry);
    if (streaming && !this.#adapter.streaming) throw new StreamingNotSupported({ adapter: this.#adapter.name });
    if (args !== undefined && (typeof args !== "object" || args === null || Array.isArray(args))) {
      throw new InvalidArguments({ tool, argument: "", path: "$", expected: "arguments are an object by parameter name" });
    }
    return entry;
  }
}

function inSession(route: SessionRoute | undefined, tool: string, args: ToolArguments | undefined): InSession | undefined {
  return route === undefined ? undefined : { route, object: args === undefined ? undefined : route.objectAmong(tool, args) };
}

/** A value that no other pit has. */
export function newRun(): string {
  return randomBytes(8).toString("hex");
}
