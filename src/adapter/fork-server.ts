/** A fork server as its host sees it: a process that has imported, and forks workers off in milliseconds. docs/fork-server.md says what holds. */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { Effect, type Scope } from "effect";
import { isSnakepitError, type SnakepitError, WorkerStartFailed } from "../errors/index.ts";
import type { ForkReport } from "../gen/snakepit/v1/fork_pb.ts";
import { listenForOutput, type OutputSocket } from "../runtime/output-socket.ts";
import { lingerMs, type RunningProcess, startProcess } from "../runtime/process.ts";
import { privateFolder } from "../worker/folder.ts";
import type { WorkerOrder } from "../worker/launch.ts";
import { endAtExit } from "../worker/live.ts";
import { OutputTail } from "../worker/output.ts";
import type { PrepareOptions } from "./adapter.ts";
import { type ForkChannel, openForkChannel } from "./fork-channel.ts";
import { ForkedProcess } from "./forked-process.ts";
import { notStarted } from "./not-started.ts";
import { pythonEnvironment } from "./python-environment.ts";

/** A program and its first arguments. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** What a fork server is started with. */
export interface ForkServerOptions {
  /** Gives the command that runs one of Snakepit's own Python modules. */
  run(module: string): Command;
  readonly pool: string;
  /** Its name, unlike that of any worker. */
  readonly name: string;
  /** Writes it down before it is started. */
  readonly record: PrepareOptions["record"];
  /** Files and modules to import. */
  readonly sources: readonly string[];
  /** Whether they are the tools of its workers, and not only what these import. */
  readonly areTools: boolean;
  /** Longest time until they are imported, in milliseconds. */
  readonly readyTimeoutMs: number;
  /** Added to its environment, and so to that of its workers. */
  readonly env: Readonly<Record<string, string>>;
  /** Hears what is written while it imports. */
  onLine(line: string): void;
}

/** The server ended before it had answered an order. Another one may answer it. */
export class ForkServerGone extends Error {}

/** A server that computes nothing answers an order within milliseconds. One that has not for so long, in milliseconds, is given up. */
const ORDER_TIMEOUT_MS = 5_000;

/**
 * Starts a fork server, which ends with the scope; its workers live on. Fails with WorkerStartFailed when something cannot be imported or takes too
 * long. Interruptible.
 */
export const startForkServer: (options: ForkServerOptions) => Effect.Effect<ForkServer, SnakepitError, Scope.Scope> = Effect.fnUntraced(
  function* (options) {
    const { name } = options;
    const tail = new OutputTail();
    const { command, args } = options.run("snakepit._fork_server");
    const folder = yield* privateFolder.pipe(Effect.mapError((cause) => notStarted(command, name, cause)));
    // The registry knows processes by this. It is not to be taken for the worker that it was started for.
    const environment = pythonEnvironment({ ...options.env, SNAKEPIT_WORKER: name });
    // Before the spawn, and forgotten after the end: at no moment is there a process that nobody knows of.
    const recorded = yield* Effect.acquireRelease(
      Effect.sync(() => options.record?.({ id: name, pool: options.pool, kind: "fork server" })),
      (record) => Effect.sync(() => record?.forget()),
    );
    const process = yield* Effect.acquireRelease(
      Effect.tryPromise({
        try: () =>
          startProcess({
            command,
            args: [...args, "--socket", folder.socketPath, ...(options.areTools ? ["--tools"] : [])],
            env: environment,
            onLine(source, line) {
              if (source === "stderr") tail.add(line);
              options.onLine(line);
            },
          }),
        catch: (cause) => notStarted(command, name, cause),
      }),
      (process) =>
        // It has nothing to tidy up.
        Effect.promise(() => {
          process.kill("SIGKILL");
          return process.exited;
        }),
    );
    recorded?.started(process.pid);
    const disarm = endAtExit({
      end() {
        process.kill("SIGKILL");
        folder.remove();
      },
    });
    void process.exited.then(disarm);
    const token = randomBytes(32).toString("hex");
    process.writeStdin(`${token}\n`);
    const server = new ForkServer(process, environment);
    const failed = (reason: string, cause?: unknown): WorkerStartFailed =>
      new WorkerStartFailed({ worker: name, reason, type: "", traceback: "", stderr: tail.lines }, { cause, retryable: true });
    const { socketPath } = folder;
    const address = { socketPath, token, workerId: name, pool: options.pool, tools: options.sources, threads: 1, graceMs: 0 };
    const exited = Effect.promise(() => process.exited).pipe(
      Effect.andThen(({ exitCode, signal }) =>
        Effect.fail(failed(`the fork server ended ${signal === null ? `with exit code ${exitCode}` : `by ${signal}`} while it imported`)),
      ),
    );
    yield* Effect.tryPromise({
      try: (signal) => server.open((events) => openForkChannel(address, events, signal)),
      catch: (cause) => (isSnakepitError(cause) ? cause : failed(String(cause), cause)),
    }).pipe(
      // The connection of a process that ends is closed first, but how it ended says more.
      Effect.catchIf(
        ({ _tag }) => _tag === "ConnectionLost",
        (error) => exited.pipe(Effect.timeoutOrElse({ duration: lingerMs * 2, orElse: () => Effect.fail(failed(error.message, error)) })),
      ),
      Effect.raceFirst(exited),
      Effect.timeoutOrElse({
        duration: options.readyTimeoutMs,
        orElse: () => Effect.fail(failed(`the fork server was not ready within ${options.readyTimeoutMs} ms`)),
      }),
    );
    folder.remove();
    yield* Effect.addFinalizer(() => Effect.sync(() => server.close()));
    return server;
  },
);

/** An order that was not answered yet. */
interface Pending {
  readonly outputs: readonly OutputSocket[];
  resolve(process: ForkedProcess): void;
  reject(error: Error): void;
}

/** A fork server that has imported everything. */
export class ForkServer {
  /** Why it does not fork, in words; empty when it does. */
  unsafe = "";
  /** Resolves when it forks no more, because its process has ended. Never rejects. */
  readonly gone: Promise<void>;
  readonly #process: RunningProcess;
  readonly #environment: Readonly<Record<string, string>>;
  readonly #ready = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  readonly #pending = new Map<string, Pending>();
  readonly #workers = new Map<string, ForkedProcess>();
  #channel: ForkChannel | undefined;
  #isGone = false;
  #idle: (() => void) | undefined;

  constructor(process: RunningProcess, environment: Readonly<Record<string, string>>) {
    this.#process = process;
    this.#environment = environment;
    this.gone = this.#gone.promise;
    this.#ready.promise.catch(() => {});
  }

  /** Process id. */
  get pid(): number {
    return this.#process.pid;
  }

  /** Opens its channel, and waits until it has said whether it forks. */
  async open(channel: (events: Parameters<typeof openForkChannel>[1]) => Promise<ForkChannel>): Promise<void> {
    this.#channel = await channel({ onReport: (report) => this.#hear(report), onClose: (reason) => this.#lose(reason) });
    await this.#ready.promise;
  }

  /**
   * Forks a worker off. Rejects with {@link ForkServerGone} when the server ends before it answers, with the system's reason when there is no room for another
   * process or socket.
   */
  async fork(order: WorkerOrder): Promise<ForkedProcess> {
    const paths = { stdoutPath: join(order.folder, "o"), stderrPath: join(order.folder, "e") };
    const stdout = await listenForOutput(paths.stdoutPath, (line) => order.onLine("stdout", line));
    const stderr = await listenForOutput(paths.stderrPath, (line) => order.onLine("stderr", line));
    const outputs = [stdout, stderr];
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), ORDER_TIMEOUT_MS);
    try {
      return await new Promise((resolve, reject) => {
        if (this.#isGone) throw new ForkServerGone();
        const { workerId, socketPath } = order;
        this.#pending.set(workerId, { outputs, resolve, reject });
        const token = Uint8Array.from(Buffer.from(order.token, "hex"));
        this.#channel?.order({ workerId, socketPath, token, ...paths, ...difference(this.#environment, pythonEnvironment(order.env)) });
      });
    } catch (error) {
      for (const output of outputs) output.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Resolves when it has no worker, or is gone. */
  idle(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    this.#rest();
    return Promise.race([idle, this.gone]);
  }

  /** Closes its channel, which ends it. */
  close(): void {
    this.#channel?.close();
  }

  #hear(report: ForkReport["report"]): void {
    if (report.case === "readiness") {
      this.unsafe = report.value.unsafe;
      this.#ready.resolve();
    } else if (report.case === "forked") {
      const { workerId, pid, startTimeTicks } = report.value;
      const pending = this.#take(workerId);
      if (pending === undefined) return;
      // At once: the next report may already say that it has ended.
      const process = new ForkedProcess(pid, String(startTimeTicks), pending.outputs);
      this.#workers.set(workerId, process);
      pending.resolve(process);
    } else if (report.case === "failed") {
      this.#take(report.value.workerId)?.reject(new Error(report.value.reason));
      this.#rest();
    } else if (report.case === "ended") {
      const { workerId } = report.value;
      this.#workers.get(workerId)?.end(report.value);
      this.#workers.delete(workerId);
      this.#rest();
    }
  }

  /** Tells who waits for it when there is nothing left to wait for. */
  #rest(): void {
    if (this.#workers.size + this.#pending.size === 0) this.#idle?.();
  }

  #take(workerId: string): Pending | undefined {
    const pending = this.#pending.get(workerId);
    this.#pending.delete(workerId);
    return pending;
  }

  #lose(reason: SnakepitError): void {
    this.#isGone = true;
    this.#ready.reject(reason);
    // A channel that was cut while the process lives would leave it to nobody.
    this.#process.kill("SIGKILL");
    for (const pending of this.#pending.values()) pending.reject(new ForkServerGone());
    for (const worker of this.#workers.values()) void worker.orphan();
    this.#pending.clear();
    this.#workers.clear();
    this.#gone.resolve();
  }
}

/** What to change in the environment `from` to make it `to`. */
function difference(from: Readonly<Record<string, string>>, to: Readonly<Record<string, string>>) {
  return {
    env: Object.fromEntries(Object.entries(to).filter(([name, value]) => from[name] !== value)),
    unset: Object.keys(from).filter((name) => !Object.hasOwn(to, name)),
  };
}
