/**
 * What it takes to have one worker: its process, and a connection to it. Adapters give these; `worker.ts` supervises them.
 */
import type { Effect } from "effect";
import type { Connection, ConnectionOptions } from "../carrier/carrier.ts";
import type { SnakepitError } from "../errors/index.ts";

/** How a process ended: one of the two is null. Both are when nobody could ask, because the fork server that it came from ended before it. */
export interface ProcessExit {
  /** Its exit code, or null when a signal ended it. */
  readonly exitCode: number | null;
  /** The signal that ended it, such as "SIGKILL", or null. */
  readonly signal: string | null;
  /** The most resident memory it has had, in bytes; undefined where nobody has counted, which is so for processes that were spawned. */
  readonly peakMemoryBytes?: number | undefined;
}

/** How a process came to be: run from the start, or forked off one that has imported already. */
export type StartedBy = "fork" | "spawn";

/** Where a line of output came from. */
export type OutputSource = "stdout" | "stderr";

/** A worker's process as its host sees it. It leads a process group of its own. */
export interface WorkerProcess {
  /** Process id, which is the id of its group too. */
  readonly pid: number;
  /** How it came to be. */
  readonly startedBy: StartedBy;
  /**
   * Resolves when the process has ended and its output was heard, which is waited for no longer than a moment: a process of its own that it left behind
   * may hold the pipes open. Never rejects.
   */
  readonly exited: Promise<ProcessExit>;
  /** Writes to its stdin, which stays open as long as the host lives. Ignored when the process is gone, or was forked and has none. */
  writeStdin(text: string): void;
  /** Sends a signal to the whole group. Ignored when the group is gone. */
  kill(signal: "SIGTERM" | "SIGKILL"): void;
  /** Resident memory in bytes; 0 when it cannot be read. */
  memoryBytes(): Promise<number>;
}

/** What one worker is started with. */
export interface WorkerOrder {
  /** Name of the worker, unique within its host. */
  readonly workerId: string;
  /** Name of the pool it belongs to. */
  readonly pool: string;
  /** A private folder (0700) made for this worker and removed after it. */
  readonly folder: string;
  /** Where the worker is to listen: a path inside `folder`, short enough for a socket. */
  readonly socketPath: string;
  /** The one-time token, 32 random bytes as hexadecimal digits. `worker.ts` writes it to stdin, where the process has any. */
  readonly token: string;
  /** Files (absolute paths) and modules (dotted names) with tools. */
  readonly tools: readonly string[];
  /** Threads for synchronous tools. */
  readonly threads: number;
  /** How long a cancelled tool may go on, in milliseconds. */
  readonly graceMs: number;
  /** Longest time until what it is started from is ready, in milliseconds. */
  readonly readyTimeoutMs: number;
  /** Set in the environment on top of what the adapter sets: the run marker and what the user asked for. */
  readonly env: Readonly<Record<string, string>>;
  /** Hears every line the process writes that is not captured inside the worker, such as what C code prints. */
  onLine(source: OutputSource, line: string): void;
}

/** How to make workers of one pool. What an adapter prepares once, workers are made of many times. */
export interface Launch {
  /** Starts the process. Fails with WorkerStartFailed when the program cannot be run at all. */
  spawn(order: WorkerOrder): Effect.Effect<WorkerProcess, SnakepitError>;
  /**
   * Opens the connection and waits for the worker's hello. Fails with WorkerStartFailed when the worker says that it could not start. It may wait for
   * ever when the worker says nothing: the caller interrupts it.
   */
  connect(order: WorkerOrder, options: ConnectionOptions): Effect.Effect<Connection, SnakepitError>;
  /** Why workers are spawned although they were to be forked, in words; undefined otherwise. */
  readonly spawnReason?: string | undefined;
  /**
   * From now on workers are made of the code as it now is. Those that live go on as they are. Absent where every worker imports for itself, so that
   * there is nothing to do.
   */
  renew?(): void;
}
