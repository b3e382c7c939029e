/** Sessions and the pit they belong to, wherever that is. */
import type { ToolCaller } from "./calls.ts";
import type { Metadata, VariablesLike } from "./variables.ts";

/**
 * Where the calls of a session go.
 * - `hint`: to the worker that has the session when it is free, else to any other.
 * - `strict-queue`: to that worker, waiting for it.
 * - `strict-fail`: to that worker, or they fail with AffinityUnavailable when it is busy or gone.
 */
export type Affinity = "hint" | "strict-queue" | "strict-fail";

/** Options of one session. */
export interface SessionOptions {
  /** How long it lives after its last use, in milliseconds; Infinity for ever. Default: that of all sessions; one that is there keeps its own. */
  readonly ttlMs?: number | undefined;
  /** The program's own words about it, merged into what is there. */
  readonly metadata?: Metadata | undefined;
  /** Where its calls go; what is given last counts for all handles of the session. Default "hint". */
  readonly affinity?: Affinity | undefined;
}

/** A session with everything that is known about it. */
export interface SessionInfo {
  readonly id: string;
  readonly metadata: Metadata;
  /** How long it lives after its last use, in milliseconds. */
  readonly ttlMs: number;
  readonly createdAt: Date;
  readonly usedAt: Date;
  /** How many variables it has. */
  readonly variables: number;
  /** What they take. */
  readonly bytes: number;
  /** Open handles in this process. */
  readonly handles: number;
}

/** A session: state that TypeScript and Python share. Leaving its block drops the handle; what it holds lives on until its time is over or it is ended. */
export interface SessionLike extends ToolCaller, AsyncDisposable {
  /** Its id. */
  readonly id: string;
  /** Its metadata as it was when it was opened. */
  readonly metadata: Metadata;
  /** Its variables. */
  readonly variables: VariablesLike;
  /** What is known about it. Counts as use. */
  info(): Promise<SessionInfo>;
  /** Ends it before its time: what it holds is gone, for everybody. Closes the handle. False when it was gone already. */
  end(): Promise<boolean>;
  /** Drops the handle: its watches end, and using it fails with SessionClosed. A session without an id ends. May be called twice. */
  close(): Promise<void>;
}

/** A pit: one of this program's own, or one behind a gateway. */
export interface PitLike extends ToolCaller, AsyncDisposable {
  /**
   * Opens the session of this id, or makes it. Without an id it ends with its handle; else it lives until its time is over or it is ended. Works without
   * any worker too.
   *
   * @throws InvalidOptions, QuotaExceeded, StoreFailed.
   */
  session(id?: string, options?: SessionOptions): Promise<SessionLike>;
  /** Every session that may be seen. Does not count as use. */
  sessions(): Promise<readonly SessionInfo[]>;
  /** One pool of several, by name. */
  pool(name: string): ToolCaller & { readonly name: string };
  /** Closes it; what was opened through it is closed too. May be called twice. */
  close(): Promise<void>;
}
