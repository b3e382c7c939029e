/** Workers of TypeScript functions, so that programs are tested without Python. */
import { Effect } from "effect";
import type { Adapter } from "../adapter/adapter.ts";
import { openLocal } from "../carrier/local/connect.ts";
import { WorkerStartFailed } from "../errors/index.ts";
import { startMemoryWorker } from "./memory-worker.ts";
import { type InMemoryTools, servedTools } from "./tools.ts";

/**
 * An adapter whose workers are functions in this program: give it to `Snakepit.open` as `adapter`. There is no process; everything else is as with
 * Python: pools, queues, deadlines, cancelling, retries, crashes with `killWorker`, and every value goes over a socket and comes back as it would.
 *
 * What the program gives as `tools` is not read, but without any no worker starts. Arguments are not checked against types. Functions and input streams
 * among the arguments fail with ProtocolError.
 *
 * @param tools - By name: functions of the arguments object, or such with what else there is to say.
 */
export function inMemory(tools: InMemoryTools): Adapter {
  const served = servedTools(tools);
  return {
    name: "in-memory",
    streaming: true,
    prepare: () =>
      Effect.succeed({
        spawn: (order) =>
          Effect.tryPromise({
            try: () => startMemoryWorker(order, served),
            catch: (cause) =>
              new WorkerStartFailed(
                { worker: order.workerId, reason: `it cannot listen: ${String(cause)}`, type: "", traceback: "", stderr: [] },
                { cause, retryable: true },
              ),
          }),
        connect: openLocal,
      }),
  };
}
