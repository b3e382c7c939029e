/**
 * Calls of one kind that wait: for any worker, or for the one they are bound to. Each worker has a queue of its own, so a call that waits for a busy
 * worker holds up none that another may take.
 */
import type { PoolCall } from "./call.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { FairQueue } from "./queue.ts";

/** The queues of one kind of calls. */
export class Lane {
  readonly #anywhere = new FairQueue<PoolCall>();
  /** Only those that are not empty. */
  readonly #bound = new Map<PooledWorker, FairQueue<PoolCall>>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether some wait for a certain worker, so that others may be free although there is a queue. */
  get binds(): boolean {
    return this.#bound.size > 0;
  }

  /** Adds a call where it is bound to, behind those of its session and priority that came before it. `since` is that of the queue it comes from. */
  push(call: PoolCall, since?: number): void {
    const { bound } = call;
    let queue = this.#queueOf(call);
    if (queue === undefined && bound !== undefined) {
      queue = new FairQueue();
      this.#bound.set(bound, queue);
    }
    queue?.push(call, since);
    this.#size++;
  }

  /** Takes a call out whose turn has come. `now` is a count above the order of every call so far. It must be bound as when it was added. */
  take(call: PoolCall, now: number): void {
    const queue = this.#queueOf(call);
    queue?.take(call, now);
    this.#left(call, queue);
  }

  /** Takes a call out that waits no more, which must be here, and bound as when it was added. */
  remove(call: PoolCall): void {
    const queue = this.#queueOf(call);
    queue?.remove(call);
    this.#left(call, queue);
  }

  /**
   * Who leaves next: of the first of each queue that `isReady`, the one with the highest priority, and of those the one whose session has not been served
   * for longest. Undefined when none is.
   */
  next(isReady: (call: PoolCall) => boolean): PoolCall | undefined {
    const first = this.#anywhere.first;
    let best = first !== undefined && isReady(first) ? first : undefined;
    if (this.#bound.size === 0) return best;
    for (const { first } of this.#bound.values()) {
      if (first !== undefined && (best === undefined || leavesBefore(first, best)) && isReady(first)) best = first;
    }
    return best;
  }

  /** Those that are bound to a worker, each session's in their order; those that are bound to none without one. */
  of(worker: PooledWorker | undefined): PoolCall[] {
    return (worker === undefined ? this.#anywhere : this.#bound.get(worker))?.all() ?? [];
  }

  #queueOf({ bound }: PoolCall): FairQueue<PoolCall> | undefined {
    return bound === undefined ? this.#anywhere : this.#bound.get(bound);
  }

  #left({ bound }: PoolCall, queue: FairQueue<PoolCall> | undefined): void {
    this.#size--;
    if (bound !== undefined && queue?.size === 0) this.#bound.delete(bound);
  }
}

function leavesBefore(a: PoolCall, b: PoolCall): boolean {
  return a.priority === b.priority ? (a.turn?.since ?? 0) < (b.turn?.since ?? 0) : a.priority > b.priority;
}
