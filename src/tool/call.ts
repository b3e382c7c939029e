/**
 * What a call is, seen from below: what a carrier needs to know of it and what it tells it.
 *
 * The pool makes one object a call; that object is also the entry in the carrier's table, so a call allocates nothing else. Deadlines, signals,
 * retries and promises are the pool's business, frames and credit the carrier's.
 */
import type { SnakepitError } from "../errors/index.ts";

/** How far a call is, as the tool reports it. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction: number;
  /** What it is doing; empty when the tool did not say. */
  readonly message: string;
}

/** One call on its way through a carrier. Exactly one of `onResult`, `onEnd` and `onError` is called, and nothing after it. */
export interface CarriedCall {
  /** Id on the wire while in flight, 0 otherwise. The carrier's to write, nobody else's. */
  wireId: number;
  /** Name of the tool. */
  readonly tool: string;
  /** Session the call belongs to; empty outside a session. */
  readonly sessionId: string;
  /** Arguments by parameter name. */
  readonly args: unknown;
  /** True when results come as a stream. */
  readonly streaming: boolean;
  /** Time left when it is sent, in milliseconds; 0 for none. Python checks it too. */
  readonly timeLeftMs: number;
  /** The result of a tool that does not stream. `ranUs` is how long the tool ran, in microseconds; 0 where unknown. */
  onResult(value: unknown, ranUs: number): void;
  /** Items of a stream. Give `cost` back with {@link Connection.release} when the program has taken them. */
  onItems(values: readonly unknown[], cost: number): void;
  /** The stream ended well. */
  onEnd(): void;
  /** The call failed. */
  onError(error: SnakepitError): void;
  /** The tool reported how far it is. */
  onProgress(progress: Progress): void;
}
