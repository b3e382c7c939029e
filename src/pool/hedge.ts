/**
 * Hedged calls: a call that has no answer after a while is sent to a second worker too. The first answer counts, the other call is cancelled.
 *
 * Only the hedge is an object of its own; a call without one pays nothing for them.
 */
import type { Retry } from "../api/calls.ts";
import { InvalidOptions, type SnakepitError } from "../errors/index.ts";
import type { CarriedCall, HostFunction, HostFunctions } from "../tool/call.ts";
import type { ToolEntry } from "../tool/catalog.ts";
import type { ObjectPlace, ObjectRef } from "../value/object-ref.ts";
import { hasInputStream, type UnaryCall } from "./call.ts";
import type { CallOptions } from "./options.ts";
import type { PooledWorker, Weight } from "./pooled-worker.ts";

/** Throws InvalidOptions unless a call may be hedged, which means that it may run twice. `retry` is its own, or its pool's. */
export function checkHedge({ tool }: ToolEntry, args: unknown, options: CallOptions, retry: Retry): void {
  const leftOut = (why: string): InvalidOptions => new InvalidOptions({ option: "hedgeMs", expected: `left out: ${why}` });
  if (tool.streaming) throw leftOut("a stream is never sent twice");
  if (hasInputStream(args)) throw leftOut("an input stream cannot be sent twice");
  if (tool.idempotent || (options.retry ?? retry) === "always") return;
  throw leftOut(`tool "${tool.name}" is not declared idempotent=True, and the option "retry" is not "always"`);
}

/** Who hears how a hedge went. */
export interface HedgeOwner {
  readonly functions: HostFunctions;
  /** It was answered, with an error or with a value. */
  overtook(hedge: Hedge, value: unknown, ranUs: number, error: SnakepitError | undefined): void;
}

/** The second sending of a call. */
export class Hedge implements CarriedCall {
  wireId = 0;
  readonly waiter = 0;
  readonly depth = 0;
  readonly streaming = false;
  /** The call. It may have lost its own worker by now. */
  readonly call: UnaryCall;
  /** The worker that the hedge is with. */
  readonly worker: PooledWorker;
  readonly weight: Weight;
  readonly #owner: HedgeOwner;
  #functions: number[] = [];

  constructor(owner: HedgeOwner, call: UnaryCall, worker: PooledWorker, weight: Weight) {
    this.#owner = owner;
    this.call = call;
    this.worker = worker;
    this.weight = weight;
  }

  get tool(): string {
    return this.call.tool;
  }

  get sessionId(): string {
    return this.call.sessionId;
  }

  get args(): unknown {
    return this.call.args;
  }

  get traceparent(): string {
    return this.call.traceparent;
  }

  get timeLeftMs(): number {
    return this.call.timeLeftMs;
  }

  get over(): boolean {
    return this.call.over;
  }

  hostFunction(fn: HostFunction): number {
    const number = this.#owner.functions.add(fn);
    this.#functions.push(number);
    return number;
  }

  objectRef(place: ObjectPlace): ObjectRef {
    return this.call.objectOn(place, this.worker);
  }

  /** Counts it as on its worker. */
  take(): void {
    this.worker.take(this.weight, false);
  }

  /** Counts it as off its worker, where it may call no function any more. */
  give(): void {
    this.worker.give(this.weight, false);
    this.removeFunctions();
  }

  /** Python may call the functions among its arguments no more. */
  removeFunctions(): void {
    for (const number of this.#functions) this.#owner.functions.remove(number);
    this.#functions = [];
  }

  onResult(value: unknown, ranUs: number): void {
    this.#owner.overtook(this, value, ranUs, undefined);
  }

  onError(error: SnakepitError): void {
    this.#owner.overtook(this, undefined, 0, error);
  }

  /** Never called: a carrier gives items to streaming calls only. */
  onItems(): void {}
  onEnd(): void {}
  /** The call itself says how far it is; two reports would go back and forth. */
  onProgress(): void {}
}
