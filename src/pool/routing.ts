/** Which worker a call goes to. */
import type { HostCall } from "../tool/host-call.ts";
import type { PoolCall } from "./call.ts";
import type { PooledWorker, Weight } from "./pooled-worker.ts";

/** The worker that takes a call now; undefined when none does. */
export function route(workers: readonly PooledWorker[], call: PoolCall): PooledWorker | undefined {
  const { bound } = call;
  if (bound !== undefined) return bound.accepts(call.weight, call.alone, call.entry.batchSize) ? bound : undefined;
  const home = call.route?.home;
  if (home?.accepts(call.weight, call.alone, call.entry.batchSize)) {
    if (!home.mayKeepWaiting || call.weight === "shared") return home;
    // The session's worker may not get to the call for long; one that does nothing will at once.
    return leastLoaded(workers, call.weight, call.alone, call.entry.batchSize) ?? home;
  }
  return leastLoaded(workers, call.weight, call.alone, call.entry.batchSize);
}

/**
 * The worker that takes a call of a host tool's now, given that workers of this pool wait for that tool; undefined when only those do that wait.
 *
 * Threads that wait look free where quick calls are sent ahead, and two host tools whose calls stood behind each other's would wait for ever. So a
 * call that needs a thread goes to a worker that has nothing to do.
 */
export function routeNested(workers: readonly PooledWorker[], call: PoolCall): PooledWorker | undefined {
  if (call.entry.tool.asynchronous) return route(workers, call);
  const idle = (worker: PooledWorker): boolean => worker.inFlight === 0 && worker.accepts(call.weight, call.alone, call.entry.batchSize);
  const { bound } = call;
  if (bound !== undefined) return bound.accepts(call.weight, call.alone, call.entry.batchSize) ? bound : undefined;
  const home = call.route?.home;
  return home !== undefined && idle(home) ? home : workers.find(idle);
}

/** The least loaded worker that takes one more call of this weight; undefined when none does. Of equals the first, whose caches are warm. */
export function leastLoaded(workers: readonly PooledWorker[], weight: Weight, alone: boolean, batchSize: number): PooledWorker | undefined {
  let best: PooledWorker | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const worker of workers) {
    const { load } = worker;
    if (load < least && worker.accepts(weight, alone, batchSize)) {
      // None can have less, and there may be many.
      if (load === 0) return worker;
      best = worker;
      least = load;
    }
  }
  return best;
}

/** The worker that waits for what `call` is part of and that it may go to, the one that has waited least of several; undefined when there is none. */
export function waitingWorker(workers: readonly PooledWorker[], { host, bound }: PoolCall): PooledWorker | undefined {
  for (let at = host; at !== undefined; at = at.parent) {
    const waits = at;
    const found = workers.find((pooled) => isOf(pooled, waits));
    if (found !== undefined && (bound === undefined || bound === found)) return found;
  }
  return undefined;
}

/** The call of a host tool in which a worker waits for what `call` is part of; undefined when it does not. */
export function waitsFor(worker: PooledWorker, call: HostCall | undefined): HostCall | undefined {
  for (let at = call; at !== undefined; at = at.parent) if (isOf(worker, at)) return at;
  return undefined;
}

/** Whether this is the worker that waits. Names of pools and workers come again in other pits. */
function isOf(pooled: PooledWorker, { run, pool, worker }: HostCall): boolean {
  return pooled.worker.id === worker && pooled.pool === pool && pooled.run === run;
}
