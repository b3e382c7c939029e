/** Faults on the way between a pool and its workers, of whatever kind they are. */
import { join } from "node:path";
import { Effect } from "effect";
import type { Adapter } from "../adapter/adapter.ts";
import { WorkerStartFailed } from "../errors/index.ts";
import type { Launch, WorkerOrder } from "../worker/launch.ts";
import { checkFaults, type FaultOptions } from "./faults.ts";
import { openProxy } from "./proxy.ts";
import { Random } from "./random.ts";

/**
 * An adapter whose workers are those of another one, behind a carrier that breaks. Frames are delayed, lost, cut, repeated and corrupted by a seed, once the
 * two sides have met. What breaks ends its connection and its worker with it; calls are sent again by the rules of the pool, or fail with WorkerCrashed or
 * ConnectionLost. No call hangs and none gets another's answer.
 *
 * Workers that die before their first answer make a pool unhealthy, as everywhere: keep the probabilities low.
 *
 * @param adapter - Whose workers to use: {@link inMemory}, or {@link python}.
 * @throws InvalidOptions for a probability outside 0 to 1.
 */
export function faulty(adapter: Adapter, options: FaultOptions): Adapter {
  checkFaults(options);
  return {
    ...adapter,
    name: `faulty ${adapter.name}`,
    prepare: (given) => adapter.prepare(given).pipe(Effect.map((launch) => faultyLaunch(launch, options))),
  };
}

function faultyLaunch(launch: Launch, options: FaultOptions): Launch {
  const random = new Random(options.seed ?? 1);
  return {
    ...launch,
    spawn: Effect.fnUntraced(function* (order) {
      // The worker listens behind the proxy, which listens where the host will look.
      const behind = join(order.folder, "p");
      const proxy = yield* Effect.tryPromise({
        try: () => openProxy(order.socketPath, behind, options, random.fork()),
        catch: (cause) => notStarted(order, cause),
      });
      const process = yield* launch.spawn({ ...order, socketPath: behind }).pipe(Effect.onError(() => Effect.sync(() => proxy.close())));
      void process.exited.then(() => proxy.close());
      return process;
    }),
  };
}

function notStarted(order: WorkerOrder, cause: unknown): WorkerStartFailed {
  const reason = `nothing can be put before it: ${String(cause)}`;
  return new WorkerStartFailed({ worker: order.workerId, reason, type: "", traceback: "", stderr: [] }, { cause, retryable: true });
}
