/**
 * What a call is, seen from below: what a carrier needs to know of it and what it tells it.
 *
 * The pool makes one object a call; that object is also the entry in the carrier's table, so a call allocates nothing else. Deadlines, signals,
 * retries and promises are the pool's business, frames and credit the carrier's.
 */
import type { SnakepitError } from "../errors/index.ts";
import type { HostFunction } from "../value/host-function.ts";
import type { ObjectPlace, ObjectRef } from "../value/object-ref.ts";

export type { HostFunction };

/** Functions that stand among the arguments of calls, each by a number that no other has. */
export interface HostFunctions {
  /** Lets Python call the function, and answers its number. */
  add(fn: HostFunction): number;
  /** Python may call it no more. */
  remove(number: number): void;
}

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
  /** How often the chain of calls that leads here has come from a worker to the host; 0 for a call of the program's own. */
  readonly depth: number;
  /** What waits in the worker it goes to for the host tool that makes this call; 0 for none. */
  readonly waiter: number;
  /** Whether it has ended, as reading its arguments may make it; then it is not sent. Left out where that cannot be. */
  readonly over?: boolean;
  /** W3C trace context of whoever makes the call, 55 characters of ASCII; empty when nobody traces it. */
  readonly traceparent: string;
  /** True when results come as a stream. */
  readonly streaming: boolean;
  /** Whether its result may look at memory of the worker's; then it comes as a Lease when it does. */
  readonly view?: boolean;
  /** Time left when it is sent, in milliseconds; 0 for none. Python checks it too. */
  readonly timeLeftMs: number;
  /** Lets Python call a function among the arguments until the call has ended, and answers its number. */
  hostFunction(fn: HostFunction): number;
  /** Makes the reference to an object that the worker stores, as it stands in a result or an item. */
  objectRef(place: ObjectPlace): ObjectRef;
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
