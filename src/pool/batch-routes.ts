/**
 * Which worker calls of batch tools go to: the one that collects, so that one batch fills instead of many that hold a call each.
 *
 * A worker collects for a tool from the first call on, until the batch is full or has waited as long as the tool says. After that the next call goes to the
 * least loaded worker, which then collects.
 */
import type { PoolCall } from "./call.ts";
import type { PoolClock } from "./clock.ts";
import type { PooledWorker } from "./pooled-worker.ts";

interface Collecting {
  readonly pooled: PooledWorker;
  /** When its batch starts, full or not. */
  readonly until: number;
  /** Calls that the batch still takes. */
  room: number;
}

/** The workers that collect, by the names of the tools. */
export class BatchRoutes {
  readonly #clock: PoolClock;
  readonly #collecting = new Map<string, Collecting>();

  constructor(clock: PoolClock) {
    this.#clock = clock;
  }

  /** The worker that collects for the tool of a call and takes it; undefined when none does. */
  worker(call: PoolCall): PooledWorker | undefined {
    const pooled = this.#open(call)?.pooled;
    return pooled?.accepts(call.weight, call.alone, call.entry.batchSize) ? pooled : undefined;
  }

  /** A call of a batch tool goes to a worker, which collects from now on if it did not. */
  sent(call: PoolCall, pooled: PooledWorker): void {
    const open = this.#open(call);
    if (open?.pooled === pooled) {
      open.room--;
      return;
    }
    const { batch } = call.entry.tool;
    // A worker that has begun to collect goes on: a call that had to go elsewhere does not change that.
    if (open !== undefined || batch === undefined) return;
    this.#collecting.set(call.tool, { pooled, until: this.#clock.now() + batch.maxWaitMs, room: batch.maxSize - 1 });
  }

  #open(call: PoolCall): Collecting | undefined {
    const found = this.#collecting.get(call.tool);
    return found !== undefined && found.room > 0 && this.#clock.now() < found.until && !found.pooled.draining ? found : undefined;
  }
}
