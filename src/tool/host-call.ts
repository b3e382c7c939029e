/**
 * The call of a host tool that the running code belongs to, if it does.
 *
 * A host tool calls Python again with the same functions as any other code of the program. What such a call has to know of the one it is part of, above
 * all how deep it is and how much time is left, comes from here.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** One call of a host tool, on its way. */
export interface HostCall {
  /** How often the chain of calls that leads here has come from a worker to the host, this time included. */
  readonly depth: number;
  /** Marker of the pit of that worker, which no other pit has. */
  readonly run: string;
  /** The worker that waits for the answer. Its id is unique within its pit. */
  readonly worker: string;
  /** Pool of that worker. */
  readonly pool: string;
  /** Number of what waits in that worker; 0 for none. */
  readonly waiter: number;
  /** W3C trace context of the code that waits; empty or left out when nobody traces it. */
  readonly traceparent?: string;
  /** Session that the call belongs to; empty outside a session. */
  readonly sessionId: string;
  /** When its time is up, as `performance.now()` has it; Infinity when it has no limit. */
  readonly deadline: number;
  /** Aborted when nobody wants the answer any more. */
  readonly signal: AbortSignal;
  /** The call of a host tool that the call of Python is part of which made this one; undefined when the program made it. That one waits too. */
  readonly parent?: HostCall | undefined;
  /** Whether the tool has answered. What it has left behind is the program's own from then on. */
  readonly over: boolean;
}

const storage = new AsyncLocalStorage<HostCall>();
/** Programs without host tools pay nothing for them. */
let used = false;

/** Runs code as part of a call of a host tool, with everything it starts. */
export function runHostCall<A>(call: HostCall, code: () => A): A {
  used = true;
  return storage.run(call, code);
}

/** The call of a host tool that the running code is part of; undefined when there is none, or it is over. */
export function currentHostCall(): HostCall | undefined {
  if (!used) return undefined;
  const call = storage.getStore();
  return call?.over === true ? undefined : call;
}
