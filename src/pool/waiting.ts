/** Calls that wait for a worker: which leaves when one has room, and what happens to them when the worker they wait for changes. */
import type { SnakepitError } from "../errors/index.ts";
import type { PoolCall } from "./call.ts";
import { Lane } from "./lane.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { leastLoaded } from "./routing.ts";
import type { SessionRoute } from "./session-route.ts";
import { isShared, weigh } from "./weigh.ts";

/** What becomes of calls that leave. */
export interface WaitingOwner {
  readonly workers: readonly PooledWorker[];
  /** The worker that takes a call now; undefined when none does. */
  route(call: PoolCall): PooledWorker | undefined;
  /** Sends a call, to `pooled` first. False when no worker takes it after all. */
  send(call: PoolCall, pooled: PooledWorker | undefined): boolean;
  /** Ends a call that has no worker any more that it may go to. */
  refuse(call: PoolCall, error: SnakepitError): void;
  /** Ends a call that does not wait for the one worker it may go to. */
  miss(call: PoolCall): void;
  /** A call waits from now on. */
  queued(): void;
}

/** The calls of a pool that wait. */
export class WaitingCalls {
  readonly #owner: WaitingOwner;
  /** Synchronous calls and the others wait in lanes of their own: a worker that is full for the one may have room for the other. */
  readonly #threadLane = new Lane();
  readonly #sharedLane = new Lane();
  readonly #lanes = [this.#threadLane, this.#sharedLane] as const;
  /** Counts the calls that had to wait and those that left, which says who came first. */
  #arrivals = 0;
  /** The worker for the call that was found ready last. */
  #taker: PooledWorker | undefined;

  constructor(owner: WaitingOwner) {
    this.#owner = owner;
  }

  /** How many wait. */
  get size(): number {
    return this.#threadLane.size + this.#sharedLane.size;
  }

  /** The lane that a call of this kind waits in. */
  laneOf(call: PoolCall): Lane {
    return isShared(call) ? this.#sharedLane : this.#threadLane;
  }

  /** Adds a call, which may be sent at once if those before it wait for workers that it does not need. */
  add(call: PoolCall): void {
    const lane = this.laneOf(call);
    call.order = ++this.#arrivals;
    this.#enqueue(call);
    if (lane.binds) this.drain();
  }

  /** Takes a call out that waits no more. */
  remove(call: PoolCall): void {
    this.laneOf(call).remove(call);
    if (call.alone) this.unreserve();
  }

  /** Gives calls to workers that have room. */
  drain(): void {
    for (const lane of this.#lanes) {
      for (let call = lane.next(this.#isReady); call !== undefined; call = lane.next(this.#isReady)) {
        lane.take(call, ++this.#arrivals);
        if (!this.#owner.send(call, this.#taker)) this.#enqueue(call);
      }
    }
  }

  /** A session has a worker from now on: those of its calls that wait for any are bound to it. */
  gather(route: SessionRoute): void {
    if (this.size === 0 || route.session.affinity === "hint") return;
    this.#rebind(this.#lanes.flatMap((lane) => lane.of(undefined).filter((call) => call.route === route)));
  }

  /** A worker takes no more calls: those that are bound to it find another, or fail. */
  displace(pooled: PooledWorker): void {
    if (this.size === 0) return;
    this.#rebind(this.#lanes.flatMap((lane) => lane.of(pooled)));
    this.drain();
  }

  /** Nobody waits any more for the worker that is kept. Another one that has to run alone has its worker kept when it is its turn. */
  unreserve(): void {
    for (const pooled of this.#owner.workers) pooled.reserved = false;
  }

  #enqueue(call: PoolCall): void {
    call.state = "queued";
    this.laneOf(call).push(call);
    this.#owner.queued();
  }

  /** Binds calls anew, all of them before one fails, because whoever hears of that may make another call. */
  #rebind(calls: readonly PoolCall[]): void {
    const refused: [PoolCall, SnakepitError][] = [];
    for (const call of calls) {
      const lane = this.laneOf(call);
      const since = call.turn?.since;
      lane.remove(call);
      const error = call.route?.bind(call);
      if (error === undefined) lane.push(call, since);
      else {
        call.state = "new";
        refused.push([call, error]);
      }
    }
    for (const [call, error] of refused) if (call.state === "new") this.#owner.refuse(call, error);
    const impatient = calls.filter(isImpatient);
    if (impatient.length === 0) return;
    // Whoever comes before them goes first; then they go too, or fail.
    this.drain();
    for (const call of impatient) if (call.state === "queued") this.#owner.miss(call);
  }

  /** Whether a call may be sent now. */
  readonly #isReady = (call: PoolCall): boolean => {
    // What was learnt about the tool while the call waited counts.
    call.weight = weigh(call);
    const taker = this.#owner.route(call);
    if (taker !== undefined) this.#taker = taker;
    else if (call.alone) this.#reserve(call);
    return taker !== undefined;
  };

  /** Keeps a worker for a call that has to run alone, which would wait for ever where calls come all the time. */
  #reserve({ bound }: PoolCall): void {
    const { workers } = this.#owner;
    if (bound !== undefined) {
      bound.reserved = true;
      return;
    }
    if (workers.some((pooled) => pooled.reserved && !pooled.draining)) return;
    const pooled = leastLoaded(workers, "shared", false, 0);
    if (pooled !== undefined) pooled.reserved = true;
  }
}

/** Whether a call fails instead of waiting for the one worker that it may go to. */
export function isImpatient(call: PoolCall): boolean {
  return call.bound !== undefined && call.route?.session.affinity === "strict-fail";
}
