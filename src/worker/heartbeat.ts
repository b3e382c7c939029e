/**
 * Looks after a worker that does nothing: one that does not answer any more is killed, so that it is replaced before a call meets it.
 *
 * A worker that runs a call is left alone. C code may hold Python's interpreter lock for as long as it computes, in which time nothing can answer;
 * whether that takes too long is for the call's deadline to say.
 */
import type { Client } from "@connectrpc/connect";
import { Effect } from "effect";
import type { WorkerService } from "../gen/snakepit/v1/worker_pb.ts";

/** What the heartbeat needs to know of a worker. */
export interface Beating {
  readonly client: Client<typeof WorkerService>;
  /** Whether a call runs, or one that was cancelled may still do so. */
  busy(): boolean;
  /** Hears of each beat whether the worker lives, as far as anybody can know. */
  onBeat(lives: boolean): void;
}

/** How often, and how many times without an answer. */
export interface HeartbeatSettings {
  /** Between two beats, and the longest wait for an answer, in milliseconds. */
  readonly intervalMs: number;
  /** Beats without an answer, one after the other, that end the worker. */
  readonly misses: number;
}

/** Ends when the worker has missed too many beats; never otherwise. */
export const heartbeat = Effect.fnUntraced(function* (worker: Beating, options: HeartbeatSettings) {
  let missed = 0;
  while (missed < options.misses) {
    // After a miss the next beat follows at once: the interval has passed in waiting for the answer.
    if (missed === 0) yield* Effect.sleep(options.intervalMs);
    if (worker.busy()) {
      missed = 0;
      worker.onBeat(true);
      continue;
    }
    const answered = yield* Effect.tryPromise((signal) => worker.client.ping({}, { signal })).pipe(
      Effect.as(true),
      Effect.timeoutOrElse({ duration: options.intervalMs, orElse: () => Effect.succeed(false) }),
      // A closed connection is heard of elsewhere; a worker that answers with an error is alive.
      Effect.catch(() => Effect.succeed(true)),
    );
    missed = answered || worker.busy() ? 0 : missed + 1;
    worker.onBeat(missed === 0);
  }
});
