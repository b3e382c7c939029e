/**
 * One call, from `execute` to its end. The object is at once the entry in the queue, in the scan of deadlines, in the carrier's table and the listener
 * of the abort signal, so that a call allocates nothing else.
 */
import type { Retry } from "../api/calls.ts";
import { CallTimeout, Cancelled, ProtocolError, type SnakepitError } from "../errors/index.ts";
import type { CallStory } from "../telemetry/call-story.ts";
import { tell } from "../telemetry/tell.ts";
import type { CarriedCall, HostFunction, HostFunctions, Progress } from "../tool/call.ts";
import type { ToolEntry } from "../tool/catalog.ts";
import { currentHostCall, type HostCall, runHostCall } from "../tool/host-call.ts";
import { Lease } from "../value/lease.ts";
import type { ObjectPlace, ObjectRef } from "../value/object-ref.ts";
import type { PoolClock } from "./clock.ts";
import type { CallOptions } from "./options.ts";
import type { PooledWorker, Weight } from "./pooled-worker.ts";
import type { Queued } from "./queue.ts";
import type { SessionRoute } from "./session-route.ts";

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
  /** Functions among the arguments of calls. */
  readonly functions: HostFunctions;
  readonly clock: PoolClock;
}

/** What a call in a session has beside its arguments. */
export interface InSession {
  readonly route: SessionRoute;
  /** A stored object among the arguments, whose worker the call goes to. */
  readonly object: ObjectRef | undefined;
}

/** A call of either kind. */
export abstract class PoolCall implements CarriedCall, Queued<PoolCall>, EventListenerObject {
  wireId = 0;
  waiter = 0;
  abstract readonly streaming: boolean;
  readonly tool: string;

  turn: Queued<PoolCall>["turn"];
  before: PoolCall | undefined;
  after: PoolCall | undefined;
  order = 0;

  state: CallState = "new";
  /** Where it stands in the scan of deadlines. */
  scanIndex = -1;
  /** When it fails with CallTimeout, as the pool's clock has it. */
  readonly deadline: number;
  /** When it fails with QueueTimeout while it is queued, and when it is sent again while it rests. */
  until = 0;
  /** The worker it was sent to. */
  worker: PooledWorker | undefined;
  /** The only worker that it may go to. */
  bound: PooledWorker | undefined;
  weight: Weight = "slow";
  /** It may have killed a worker, so it runs alone. */
  alone = false;
  /** How often it was with a worker that died while others were too. */
  suspicions = 0;
  /** How many workers it has killed. */
  kills = 0;
  /** How often it was sent. */
  attempts = 0;
  /** What is told of it; undefined when nobody listened as it began. */
  story: CallStory | undefined;

  readonly owner: CallOwner;
  readonly entry: ToolEntry;
  readonly args: unknown;
  readonly timeoutMs: number;
  readonly priority: number;
  readonly retry: Retry;
  /** After how long without an answer it is sent to a second worker too. */
  readonly hedgeMs: number | undefined;
  /** Its session, if it has one. */
  readonly route: SessionRoute | undefined;
  /** A stored object among its arguments, by which it is bound. */
  readonly object: ObjectRef | undefined;
  readonly traceparent: string;
  /** Whether its result is a Lease. */
  readonly view: boolean;
  /** The call of a host tool that this one is part of. */
  readonly host: HostCall | undefined;
  readonly #signal: AbortSignal | undefined;
  #functions: number[] | undefined;
  readonly #onProgress: ((progress: Progress) => void) | undefined;

  constructor(
    owner: CallOwner,
    entry: ToolEntry,
    args: unknown,
    timeoutMs: number,
    retry: Retry,
    options: CallOptions | undefined,
    session: InSession | undefined,
  ) {
    this.owner = owner;
    this.entry = entry;
    this.tool = entry.tool.name;
    this.args = args;
    const host = currentHostCall();
    const now = owner.clock.now();
    const ownMs = options?.timeoutMs ?? timeoutMs;
    this.timeoutMs = host === undefined ? ownMs : Math.min(ownMs, Math.max(0, Math.ceil(host.deadline - now)));
    this.deadline = now + this.timeoutMs;
    this.host = host;
    this.traceparent = options?.traceparent ?? host?.traceparent ?? "";
    this.route = session?.route;
    this.object = session?.object;
    this.priority = options?.priority ?? 0;
    this.retry = options?.retry ?? retry;
    this.hedgeMs = options?.hedgeMs;
    this.view = options?.view === true;
    this.#signal = options?.signal;
    this.#onProgress = options?.onProgress;
  }

  get sessionId(): string {
    return this.route === undefined ? "" : this.route.session.id;
  }

  get depth(): number {
    return this.host === undefined ? 0 : this.host.depth;
  }

  /** Time left, for the worker, which watches the deadline too. */
  get timeLeftMs(): number {
    return this.deadline === Number.POSITIVE_INFINITY ? 0 : Math.max(1, Math.ceil(this.deadline - this.owner.clock.now()));
  }

  get over(): boolean {
    return this.state === "done";
  }

  /** When something may become of it without its worker: `until` counts while it waits, and while it may be sent to a second worker. */
  get due(): number {
    const counts = this.state === "queued" || this.state === "resting" || this.hedgeMs !== undefined;
    return counts && this.until < this.deadline ? this.until : this.deadline;
  }

  hostFunction(fn: HostFunction): number {
    const number = this.owner.functions.add(fn);
    this.#functions ??= [];
    this.#functions.push(number);
    return number;
  }

  /** The worker has ended the call, or never got it: Python may call the functions among its arguments no more. */
  removeFunctions(): void {
    if (this.#functions === undefined) return;
    for (const number of this.#functions) this.owner.functions.remove(number);
    this.#functions = undefined;
  }

  objectRef(place: ObjectPlace): ObjectRef {
    return this.objectOn(place, this.worker);
  }

  /** Makes the reference to an object that a worker stores which has answered this call. */
  objectOn(place: ObjectPlace, worker: PooledWorker | undefined): ObjectRef {
    if (this.route === undefined || worker === undefined) throw new ProtocolError({ reason: "a stored object outside a session" });
    return this.route.objectRef(place, worker);
  }

  /** Starts to listen to the signals. False when one has been aborted already. */
  listen(): boolean {
    return hear(this.#signal, this) && hear(this.host?.signal, this);
  }

  /** A signal was aborted. */
  handleEvent(): void {
    // What a host tool has left behind goes on when the tool has answered.
    if (this.host?.over && !this.#signal?.aborted) return;
    this.owner.abandon(this, this.cancelled());
  }

  /** What the call fails with when its signal is aborted, or that of the host tool that made it. */
  cancelled(): SnakepitError {
    const aborted = this.#signal?.aborted ? this.#signal : this.host?.signal;
    return new Cancelled({ tool: this.tool }, { cause: aborted?.reason });
  }

  /** What the call fails with when its time is up. */
  timedOut(): SnakepitError {
    return new CallTimeout({ tool: this.tool, timeoutMs: this.timeoutMs, limit: this.streaming ? "stream" : "call" });
  }

  /** Marks it as over. */
  finish(): void {
    this.state = "done";
    this.#signal?.removeEventListener("abort", this);
    this.host?.signal.removeEventListener("abort", this);
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
    session?: InSession,
  ) {
    super(owner, entry, args, timeoutMs, retry, options, session);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** An input stream that was begun cannot be begun again. */
  get repeatable(): boolean {
    return !hasInputStream(this.args);
  }

  onResult(value: unknown, ranUs: number): void {
    this.owner.completed(this, ranUs, undefined);
    this.succeed(value);
  }

  /** Gives the result to whoever waits. */
  succeed(result: unknown): void {
    const value = !this.view || result instanceof Lease ? result : new Lease(result);
    // The answer comes out of a socket, which knows nothing of the host tool that waits for it.
    if (this.host === undefined) this.#resolve(value);
    else runHostCall(this.host, () => this.#resolve(value));
  }

  /** Never called: a carrier gives items to streaming calls only. */
  onItems(): void {}
  onEnd(): void {}

  fail(error: SnakepitError): void {
    if (this.host === undefined) this.#reject(error);
    else runHostCall(this.host, () => this.#reject(error));
  }
}

function hear(signal: AbortSignal | undefined, listener: EventListenerObject): boolean {
  if (signal === undefined) return true;
  if (signal.aborted) return false;
  signal.addEventListener("abort", listener, { once: true });
  return true;
}

/** Whether one of the arguments is an async iterable, which arrives in Python as an iterator. */
export function hasInputStream(args: unknown): boolean {
  if (typeof args !== "object" || args === null) return false;
  return Object.values(args).some((value) => typeof value === "object" && value !== null && Symbol.asyncIterator in value);
}
