/** Which worker a call goes to. */
import type { PooledWorker, Weight } from "./pooled-worker.ts";

/** The least loaded worker that takes one more call of this weight; undefined when none does. Of equals the first, whose caches are warm. */
export function leastLoaded(workers: readonly PooledWorker[], weight: Weight, alone: boolean): PooledWorker | undefined {
  let best: PooledWorker | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const worker of workers) {
    const { load } = worker;
    if (load < least && worker.accepts(weight, alone)) {
      best = worker;
      least = load;
    }
  }
  return best;
}
