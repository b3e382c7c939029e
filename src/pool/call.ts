/**
 * One call, from `execute` to its end. The object is at once the entry in the queue, in the scan of deadlines, in the carrier's table and the listener
 * of the abort signal, so that a call allocates nothing else.
 */
import { CallTimeout, Cancelled, ProtocolError, type SnakepitError, UnsupportedValue } from "../errors/index.ts";
import type { CarriedCall, HostFunction, Progress } from "../tool/call.ts";
import type { ToolEntry } from "../tool/catalog.ts";
import type { ObjectPlace, ObjectRef } from "../value/object-ref.ts";
import { tell } from "./logs.ts";
import type { CallOptions, Retry } from "./options.ts";
import type { PooledWorker, Weight } from "./pooled-worker.ts";
import type { Queued } from "./queue.ts";

/** Where a call is. */
export type CallState =
  /** Not yet handed to its pool. */
  | "new"
  /** In the queue. */
  | "queued"
  /** With a worker, which may be dead by now. */
  | "sent"
  /** Waits for its next try. */
  | "resting"
  /** Over. Nothing reaches it any more. */
  | "done";

/** What a call needs of its pool. */
export interface CallOwner {
  /** It has ended on its worker, well or not. */
  completed(call: PoolCall, ranUs: number, error: SnakepitError | undefined): void;
  /** It is to end with this error, wherever it is. */
  abandon(call: PoolCall, error: SnakepitError): void;
}

/** A call of either kind. */
export abstract class PoolCall implements CarriedCall, Queued<PoolCall>, EventListenerObject {
  wireId = 0;
  readonly sessionId = "";
  readonly depth = 0;
  readonly waiter = 0;
  abstract readonly streaming: boolean;
  readonly tool: string;

  line: Queued<PoolCall>["line"];
  before: PoolCall | undefined;
  after: PoolCall | undefined;

  state: CallState = "new";
  /** Where it stands in the scan of deadlines. */
  scanIndex = -1;
  /** When it fails with CallTimeout, as `performance.now()` has it. */
  readonly deadline: number;
  /** When it fails with QueueTimeout while it is queued, and when it is sent again while it rests. */
  until = 0;
  /** The worker it was sent to. */
  worker: PooledWorker | undefined;
  weight: Weight = "slow";
  /** It may have killed a worker, so it runs alone. */
  alone = false;
  /** How often it was with a worker that died while others were too. */
  suspicions = 0;
  /** How many workers it has killed. */
  kills = 0;
  /** How often it was sent. */
  attempts = 0;

  readonly owner: CallOwner;
  readonly entry: ToolEntry;
  readonly args: unknown;
  readonly timeoutMs: number;
  readonly priority: number;
  readonly retry: Retry;
  readonly #signal: AbortSignal | undefined;
  readonly #onProgress: ((progress: Progress) => void) | undefined;

  constructor(owner: CallOwner, entry: ToolEntry, args: unknown, timeoutMs: number, retry: Retry, options: CallOptions | undefined) {
    this.owner = owner;
    this.entry = entry;
    this.tool = entry.tool.name;
    this.args = args;
    this.timeoutMs = options?.timeoutMs ?? timeoutMs;
    this.deadline = performance.now() + this.timeoutMs;
    this.priority = options?.priority ?? 0;
    this.retry = options?.retry ?? retry;
    this.#signal = options?.signal;
    this.#onProgress = options?.onProgress;
  }

  /** Time left, for the worker, which watches the deadline too. */
  get timeLeftMs(): number {
    return this.deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(this.deadline - performance.now()));
  }

  hostFunction(_fn: HostFunction): number {
    throw new UnsupportedValue({ path: "$", reason: "it is a function" });
  }

  objectRef(_place: ObjectPlace): ObjectRef {
    throw new ProtocolError({ reason: "a stored object outside a session" });
  }

  /** Starts to listen to the signal. False when it has been aborted already. */
  listen(): boolean {
    if (this.#signal === undefined) return true;
    if (this.#signal.aborted) return false;
    this.#signal.addEventListener("abort", this, { once: true });
    return true;
  }

  /** The signal was aborted. */
  handleEvent(): void {
    this.owner.abandon(this, this.cancelled());
  }

  /** What the call fails with when its signal is aborted. */
  cancelled(): SnakepitError {
    return new Cancelled({ tool: this.tool }, { cause: this.#signal?.reason });
  }

  /** What the call fails with when its time is up. */
  timedOut(): SnakepitError {
    return new CallTimeout({ tool: this.tool, timeoutMs: this.timeoutMs, limit: this.streaming ? "stream" : "call" });
  }

  /** Marks it as over. */
  finish(): void {
    this.state = "done";
    this.#signal?.removeEventListener("abort", this);
  }

  /** Whether it may be sent again at all, whatever its tool says. */
  abstract get repeatable(): boolean;
  /** Gives the error to whoever waits. */
  abstract fail(error: SnakepitError): void;

  abstract onResult(value: unknown, ranUs: number): void;
  abstract onItems(values: readonly unknown[], cost: number): void;
  abstract onEnd(): void;

  onError(error: SnakepitError): void {
    // The worker knows only how much time was left when the call came.
    const told = error._tag === "CallTimeout" ? this.timedOut() : error;
    this.owner.completed(this, 0, told);
    this.fail(told);
  }

  onProgress(progress: Progress): void {
    if (this.#onProgress !== undefined) tell(this.#onProgress, progress);
  }
}

/** A call of a tool that does not stream. */
export class UnaryCall extends PoolCall {
  readonly streaming = false;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: SnakepitError) => void;

  constructor(
    owner: CallOwner,
    entry: ToolEntry,
    args: unknown,
    timeoutMs: number,
    retry: Retry,
    options: CallOptions | undefined,
    resolve: (value: unknown) => void,
    reject: (error: SnakepitError) => void,
  ) {
    super(owner, entry, args, timeoutMs, retry, options);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** An input stream that was begun cannot be begun again. */
  get repeatable(): boolean {
    return !hasInputStream(this.args);
  }

  onResult(value: unknown, ranUs: number): void {
    this.owner.completed(this, ranUs, undefined);
    this.#resolve(value);
  }

  /** Never called: a carrier gives items to streaming calls only. */
  onItems(): void {}
  onEnd(): void {}

  fail(error: SnakepitError): void {
    this.#reject(error);
  }
}

/** Whether one of the arguments is an async iterable, which arrives in Python as an iterator. */
export function hasInputStream(args: unknown): boolean {
  if (typeof args !== "object" || args === null) return false;
  return Object.values(args).some((value) => typeof value === "object" && value !== null && Symbol.asyncIterator in value);
}
