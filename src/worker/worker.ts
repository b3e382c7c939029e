/**
 * One worker as a scoped resource: its folder, its process, its connection, its heartbeat. Closing the scope ends it and leaves nothing behind.
 *
 * Start: make the folder, spawn, give the token over stdin, connect, wait for the hello. End: ask over the connection, SIGTERM, SIGKILL to the whole
 * group, remove the folder. The connection is closed last, because closing it makes the kernel kill the group.
 */
import { randomBytes } from "node:crypto";
import { kill as sendSignal } from "node:process";
import { type Client, createClient } from "@connectrpc/connect";
import { Effect, type Scope } from "effect";
import type { CarrierLimits, Connection } from "../carrier/carrier.ts";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { ConnectionLost, type SnakepitError, WorkerCrashed, WorkerStartFailed } from "../errors/index.ts";
import type { Log, SpanEnded } from "../gen/snakepit/v1/frame_pb.ts";
import { WorkerService } from "../gen/snakepit/v1/worker_pb.ts";
import type { RegisteredHost } from "../registry/registry.ts";
import { processInfo } from "../runtime/process-info.ts";
import type { CarriedCall } from "../tool/call.ts";
import { privateFolder } from "./folder.ts";
import { type Beating, type HeartbeatSettings, heartbeat } from "./heartbeat.ts";
import type { Launch, OutputSource, ProcessExit, StartedBy, WorkerOrder, WorkerProcess } from "./launch.ts";
import { endAtExit } from "./live.ts";
import { oomKills, ranOutOfMemory } from "./oom.ts";
import { OutputTail } from "./output.ts";

/** What a worker is made of. */
export interface WorkerSpec {
  readonly workerId: string;
  readonly pool: string;
  readonly tools: readonly string[];
  readonly threads: number;
  readonly env: Readonly<Record<string, string>>;
  /** Writes down a process that is about to be started. */
  readonly record: RegisteredHost["record"];
  readonly limits: CarrierLimits;
  readonly handlers: HostHandlers;
  readonly heartbeat: HeartbeatSettings;
  /** Longest time until it is ready, in milliseconds. */
  readonly readyTimeoutMs: number;
  /** How long it may take to end by itself, in milliseconds. */
  readonly graceMs: number;
  /** Whether a cancelled call may still run on it, for which the heartbeat waits as for any other. Default: none ever does. */
  readonly isCancelling?: (() => boolean) | undefined;
}

/** What the owner of a worker hears. */
export interface WorkerEvents {
  /** A line that a tool printed or logged, and the call that it belongs to as long as that runs. */
  onLog(log: Log, call?: CarriedCall): void;
  /** A part of a traced call is over. */
  onSpan?(span: SpanEnded): void;
  /** A line that came out of the process itself. */
  onLine(source: OutputSource, line: string): void;
  /** It takes no more calls: it is going, or its connection is lost. May be called twice. */
  onGoing(): void;
}

/** How a worker ended, and the calls that were with it. */
export interface WorkerEnd {
  readonly failed: readonly CarriedCall[];
  /** The error for a call that was with it. */
  error(attempts: number, retryable: boolean): SnakepitError;
}

/** A worker that is ready, or was. */
export interface Worker {
  readonly id: string;
  readonly pid: number;
  readonly startedBy: StartedBy;
  readonly connection: Connection;
  readonly client: Client<typeof WorkerService>;
  /** When it became ready, as `Date.now()` has it. */
  readonly readyAt: number;
  /** Whether it lives, as far as anybody can know: it runs a call, or has answered its last heartbeat. */
  readonly lives: boolean;
  /** Resident memory in bytes; 0 when it cannot be read. */
  memoryBytes(): Promise<number>;
  /** Resolves when its process and its connection are gone. Never rejects. */
  readonly ended: Promise<WorkerEnd>;
  /** Lets the worker read a Cancel frame while C code holds Python's global lock. Harmless at any time. */
  interrupt(): void;
  /** Its calls have had their time: when its scope closes it has a moment to end, not the whole grace period. */
  hurry(): void;
  /** Ends the whole group at once. */
  kill(): void;
  /**
   * Ends the whole group, once the worker has written the stacks of its threads to stderr; within a moment where it cannot. They stand in the error of its
   * calls, and last the reason, which says what it has done, such as "it has missed 3 heartbeats".
   */
  killStuck(reason: string): void;
}

/** A process that has ended leaves the rest of its output behind; a group that was killed is gone within this time, in milliseconds. */
const MOMENT_MS = 500;
/** How long the news of a process that has ended is waited for, in milliseconds: it comes late where the machine is busy. */
const NEWS_MS = 5_000;

/** Starts a worker. Fails with WorkerStartFailed; the import error itself is in its fields. */
export const startWorker: (launch: Launch, spec: WorkerSpec, events: WorkerEvents) => Effect.Effect<Worker, SnakepitError, Scope.Scope> =
  Effect.fnUntraced(function* (launch, spec, events) {
    const tail = new OutputTail();
    // Another start may go well, unlike one of which the worker itself says why it failed.
    const startFailed = (reason: string, cause?: unknown): WorkerStartFailed =>
      new WorkerStartFailed({ worker: spec.workerId, reason, type: "", traceback: "", stderr: tail.lines }, { cause, retryable: true });
    const folder = yield* privateFolder.pipe(
      Effect.mapError((cause) =>
        startFailed(`no private folder could be made: ${cause instanceof Error ? cause.message : String(cause)}`, cause),
      ),
    );
    const order: WorkerOrder = {
      workerId: spec.workerId,
      pool: spec.pool,
      folder: folder.path,
      socketPath: folder.socketPath,
      token: randomBytes(32).toString("hex"),
      tools: spec.tools,
      threads: spec.threads,
      graceMs: spec.graceMs,
      readyTimeoutMs: spec.readyTimeoutMs,
      env: { ...spec.env, SNAKEPIT_WORKER: spec.workerId },
      onLine(source, line) {
        if (source === "stderr") tail.add(line);
        events.onLine(source, line);
      },
    };
    const oomBefore = oomKills();
    const life: Life = { connection: undefined, exit: undefined, hurried: false, killed: false, stacks: async () => {} };
    // Before the spawn, and forgotten after the end: at no moment is there a process that nobody knows of.
    const recorded = yield* Effect.acquireRelease(
      Effect.sync(() => spec.record({ id: spec.workerId, pool: spec.pool, kind: "worker" })),
      (record) => Effect.sync(() => record.forget()),
    );
    const process = yield* Effect.acquireRelease(launch.spawn(order), (process) => end(process, life, spec.graceMs));
    recorded.started(process.pid);
    life.stacks = () =>
      tail.stacks(() => {
        if (life.exit === undefined) signalProcess(process.pid, "SIGUSR1");
      });
    const disarm = endAtExit({
      end() {
        process.kill("SIGKILL");
        folder.remove();
      },
    });
    void process.exited.then((exit) => {
      life.exit = exit;
      // Whoever the worker left behind in its group goes with it.
      process.kill("SIGKILL");
      disarm();
    });
    process.writeStdin(`${order.token}\n`);

    let closed = (_: { readonly reason: SnakepitError; readonly failed: readonly CarriedCall[] }): void => {};
    const closing = new Promise<Parameters<typeof closed>[0]>((resolve) => {
      closed = resolve;
    });
    let isLate = false;
    const connection = yield* launch
      .connect(order, {
        limits: spec.limits,
        handlers: spec.handlers,
        events: {
          onLog(log, call) {
            if (log.source !== "stdout") tail.add(log.text);
            events.onLog(log, call);
          },
          onSpan: (span) => events.onSpan?.(span),
          onGoing: () => events.onGoing(),
          onClose(reason, failed) {
            closed({ reason, failed });
            events.onGoing();
          },
        },
      })
      .pipe(
        Effect.raceFirst(
          Effect.promise(() => process.exited).pipe(Effect.andThen((exit) => Effect.fail(startFailed(describe(exit, tail))))),
        ),
        // Not a timeout of the connection, which would close it, and so have the kernel kill the worker before it can say where it stands.
        Effect.raceFirst(
          Effect.sleep(spec.readyTimeoutMs).pipe(
            Effect.andThen(() => {
              isLate = true;
              return Effect.promise(life.stacks);
            }),
            Effect.andThen(Effect.fail(startFailed("it was not ready"))),
          ),
        ),
        Effect.catch((error) =>
          // One that has not got so far as to understand the signal ends by it.
          isLate
            ? Effect.fail(startFailed(`it was not ready within ${spec.readyTimeoutMs} ms`))
            : explain(error, process, (reason) => startFailed(reason, error), tail),
        ),
      );
    life.connection = connection;
    // The two sides have met, and the worker has removed the socket.
    folder.remove();

    const kill = (): void => {
      life.killed = true;
      process.kill("SIGKILL");
    };
    const killStuck = (reason: string): void => {
      if (life.exit !== undefined || life.killed) return;
      void life.stacks().then(() => {
        tail.add(`snakepit: killed, because ${reason}`);
        kill();
      });
    };
    let lives = true;
    const client = createClient(WorkerService, connection.transport);
    const worker: Worker = {
      id: spec.workerId,
      pid: process.pid,
      startedBy: process.startedBy,
      connection,
      client,
      readyAt: Date.now(),
      get lives() {
        return lives;
      },
      memoryBytes: () => process.memoryBytes(),
      ended: waitForEnd(),
      interrupt() {
        if (life.exit === undefined) signalProcess(process.pid, "SIGUSR2");
      },
      hurry() {
        life.hurried = true;
      },
      kill,
      killStuck,
    };

    /** The connection closes first when a worker dies, the process is gone a little later; the other way round where something of its own holds the socket. */
    async function waitForEnd(): Promise<WorkerEnd> {
      await Promise.race([closing, process.exited]);
      const crashed =
        (await within(process.exited, MOMENT_MS)) ?? ((await runs(process.pid)) ? undefined : await within(process.exited, NEWS_MS));
      if (crashed === undefined) kill();
      const exit = crashed ?? (await process.exited);
      if ((await within(closing, MOMENT_MS)) === undefined) connection.close();
      const { reason, failed } = await closing;
      const stderr = tail.lines;
      const oom = ranOutOfMemory(exit, life.killed, { before: oomBefore, after: oomKills() });
      return {
        failed,
        error: (attempts, retryable) =>
          crashed === undefined
            ? new ConnectionLost({ worker: spec.workerId, reason: reason.message }, { cause: reason, retryable })
            : new WorkerCrashed(
                { worker: spec.workerId, exitCode: exit.exitCode, signal: exit.signal, oom, attempts, stderr },
                { cause: reason, retryable },
              ),
      };
    }

    const beating: Beating = {
      client,
      busy: () => connection.inFlight > 0 || spec.isCancelling?.() === true,
      onBeat(answered) {
        lives = answered;
      },
    };
    yield* heartbeat(beating, spec.heartbeat).pipe(
      Effect.andThen(Effect.sync(() => killStuck(`it has missed ${spec.heartbeat.misses} heartbeats`))),
      Effect.forkScoped,
    );
    return worker;
  });

/** Whether there is a process of this id that has not ended. */
async function runs(pid: number): Promise<boolean> {
  const found = await processInfo(pid);
  return found !== undefined && !found.ended;
}

/** What the finalizer of a process has to know. */
interface Life {
  connection: Connection | undefined;
  exit: ProcessExit | undefined;
  hurried: boolean;
  /** Whether the host has killed it. */
  killed: boolean;
  /** Has it write the stacks of its threads to stderr. Resolves when it has, or a moment has passed. */
  stacks: () => Promise<void>;
}

/** Ends a process, politely first. */
const end = Effect.fnUntraced(function* (process: WorkerProcess, life: Life, graceMs: number) {
  const gone = (ms: number) => Effect.promise(() => within(process.exited, ms)).pipe(Effect.map((exit) => exit !== undefined));
  if (life.exit === undefined && life.connection !== undefined && !life.killed) {
    life.connection.shutdown(0);
    // Whoever reads the log learns what it was in. Where it was in a call, that is known.
    if (!(yield* gone(life.hurried ? MOMENT_MS : graceMs)) && !life.hurried) yield* Effect.promise(life.stacks);
  }
  if (life.exit === undefined && !life.killed) {
    process.kill("SIGTERM");
    yield* gone(MOMENT_MS);
  }
  if (life.exit === undefined) {
    life.killed = true;
    process.kill("SIGKILL");
    yield* Effect.promise(() => process.exited);
  }
  life.connection?.close();
});

/** Says why the start failed: what the worker itself said, or how its process ended when that is why the connection failed. */
const explain = Effect.fnUntraced(function* (
  error: SnakepitError,
  process: WorkerProcess,
  startFailed: (reason: string) => WorkerStartFailed,
  tail: OutputTail,
) {
  if (error._tag === "WorkerStartFailed") return yield* Effect.fail(error);
  const exit = yield* Effect.promise(() => within(process.exited, MOMENT_MS));
  return yield* Effect.fail(startFailed(exit === undefined ? error.message : describe(exit, tail)));
});

function describe(exit: ProcessExit, tail: OutputTail): string {
  const code = exit.exitCode === null ? "" : ` with exit code ${exit.exitCode}`;
  const how = exit.signal === null ? `it ended${code}` : `it was ended by ${exit.signal}`;
  const last = tail.lines.at(-1);
  return last === undefined ? how : `${how}: ${last}`;
}

/** The worker's handler of SIGUSR2 only lets its reading thread run; that of SIGUSR1 writes the stacks of all threads. */
function signalProcess(pid: number, signal: "SIGUSR1" | "SIGUSR2"): void {
  try {
    sendSignal(pid, signal);
  } catch {
    // It has ended, and is heard of soon.
  }
}

/** What `promise` gives, or undefined when it has not done so after `ms` milliseconds. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
