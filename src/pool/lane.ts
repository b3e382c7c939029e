/**
 * Calls of one kind that wait: for any worker, or for the one they are bound to. Each worker has a queue of its own, so a call that waits for a busy
 * worker holds up none that another may take.
 */
import type { PoolCall } from "./call.ts";
import type { PooledWorker } from "./pooled-worker.ts";
import { PriorityQueue } from "./queue.ts";

/** The queues of one kind of calls. */
export class Lane {
  readonly #anywhere = new PriorityQueue<PoolCall>();
  /** Only those that are not empty. */
  readonly #bound = new Map<PooledWorker, PriorityQueue<PoolCall>>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Whether some wait for a certain worker, so that others may be free although there is a queue. */
  get binds(): boolean {
    return this.#bound.size > 0;
  }

  /** Adds a call where it is bound to, behind those of its priority that came before it. */
  push(call: PoolCall): void {
    const { bound } = call;
    let queue = bound === undefined ? this.#anywhere : this.#bound.get(bound);
    if (queue === undefined && bound !== undefined) {
      queue = new PriorityQueue();
      this.#bound.set(bound, queue);
    }
    queue?.push(call);
    this.#size++;
  }

  /** Takes a call out, which must be here, and bound as when it was added. */
  remove(call: PoolCall): void {
    const { bound } = call;
    this.#size--;
    if (bound === undefined) {
      this.#anywhere.remove(call);
      return;
    }
    const queue = this.#bound.get(bound);
    queue?.remove(call);
    if (queue?.size === 0) this.#bound.delete(bound);
  }

  /**
   * Who leaves next: of the first of each queue that `isReady`, the one with the highest priority, and of those the one that came first. Undefined when
   * none is.
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

  /** Those that are bound to a worker, in their order; those that are bound to none without one. */
  of(worker: PooledWorker | undefined): PoolCall[] {
    return (worker === undefined ? this.#anywhere : this.#bound.get(worker))?.all() ?? [];
  }
}

function leavesBefore(a: PoolCall, b: PoolCall): boolean {
  return a.priority === b.priority ? a.order < b.order : a.priority > b.priority;
}
