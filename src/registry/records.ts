/** What stands in the registry. */

/** What a process that a host has started is for. */
export type ProcessKind = "worker" | "fork server";

/** A program that has a pit open. */
export interface HostRecord {
  /** The run marker: SNAKEPIT_RUN in the environment of whatever this pit starts. One pit has one, which no other has. */
  readonly run: string;
  /** Where its pids mean something: the name of the machine and, on Linux, the namespace of its pids. */
  readonly machine: string;
  /** Which start of the machine it was; empty where start times alone are enough. */
  readonly boot: string;
  readonly pid: number;
  readonly startTime: string;
  /** Path of its admin socket; empty when it has none. */
  readonly socketPath: string;
  /** Names of its pools. */
  readonly pools: readonly string[];
  /** When the pit was opened, as `Date.now()` has it. */
  readonly openedAt: number;
}

/** A process that a host starts or has started. */
export interface ProcessRecord {
  /** Whose it is. */
  readonly run: string;
  /** Its name within the run: the worker's id. It stands in its environment as SNAKEPIT_WORKER. */
  readonly id: string;
  readonly pool: string;
  readonly kind: ProcessKind;
  /** 0 until it has one. */
  readonly pid: number;
  /** Empty until it is known. */
  readonly startTime: string;
  /** When it was about to be started, as `Date.now()` has it. */
  readonly startedAt: number;
}
