/**
 * The admin socket of a pit: what can be asked there, and how.
 *
 * HTTP on a Unix socket, in the manner of Connect: `POST /workers` with a JSON object (nothing stands for an empty one), answered with a JSON object and
 * 200, or with `{ code, message }` and the status that Connect gives the code. So curl can ask too:
 *
 *     curl --unix-socket PATH -X POST http://pit/workers
 */

/** What a pit does when it is asked. What it gives is sent as JSON; an error of the family keeps its tag and message. */
export interface AdminHandlers {
  /** The workers of every pool, as `pit.workers()` has them. Answered as `{ workers }`. */
  workers(): unknown;
  /** The counters, as `pit.stats()` has them. */
  stats(): unknown;
  /** How well it is, as `pit.health()` has it. */
  health(): unknown;
  /** The sessions there are. Answered as `{ sessions }`. */
  sessions(): unknown;
  /** All of that together, with calls that wait or run and how long calls take. Left out where it is not supported, as `cancel` is. */
  status?(): unknown;
  /**
   * What is remembered of the past: `{ types: ["log", "worker.crashed", "worker.failed"], limit: 20 }`, of which every type and no limit are the defaults.
   * Answered as `{ events }`, the last of each type in the order in which they happened. Left out where it is not supported.
   */
  events?(types: readonly string[], limit: number): unknown;
  /** Takes up changed tools, and resolves when that is done. Left out where it is not supported. */
  reload?(): unknown;
  /** Kills a worker, which is replaced: `{ worker: "main-1" }`. Gives whether there is one of this name. */
  kill(worker: string): boolean | Promise<boolean>;
  /** Cancels a call: `{ call: "17" }`, as a status has it. Gives whether there is one of this id. */
  cancel?(call: string): boolean | Promise<boolean>;
  /** Closes the pit. Answered before. */
  close(): unknown;
}

/** What can be asked. */
export type AdminMethod = keyof AdminHandlers;

/** Why something was not done, by the names that Connect has for it. */
export type AdminCode = "invalid_argument" | "not_found" | "unimplemented" | "unavailable" | "deadline_exceeded" | "internal";

/** What was asked was not done. */
export class AdminError extends Error {
  override readonly name = "AdminError";
  readonly code: AdminCode;

  constructor(code: AdminCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The status of HTTP that stands for a code. */
export const statusOf: Readonly<Record<AdminCode, number>> = {
  invalid_argument: 400,
  not_found: 404,
  unimplemented: 501,
  unavailable: 503,
  deadline_exceeded: 504,
  internal: 500,
};

/** The code that a status of HTTP stands for; "internal" for any other. */
export function codeOf(status: number | undefined): AdminCode {
  // The keys of a record are of its key type; Object.keys does not say so.
  const codes = Object.keys(statusOf) as AdminCode[];
  return codes.find((code) => statusOf[code] === status) ?? "internal";
}
