/** The local carrier as the layers above use it. */
import { Effect } from "effect";
import { isSnakepitError, ProtocolError, type SnakepitError } from "../../errors/index.ts";
import type { Connection, ConnectionOptions } from "../carrier.ts";
import { dialWorker } from "./dial.ts";
import type { LocalWorker } from "./hello.ts";

/**
 * Connects to a worker that listens, or will listen, on a Unix socket, and waits for its hello. Waits for ever when the worker says nothing;
 * interruption closes what was opened. Fails as {@link dialWorker} does.
 */
export const openLocal = (worker: LocalWorker, options: ConnectionOptions): Effect.Effect<Connection, SnakepitError> =>
  Effect.tryPromise({
    try: (signal) => dialWorker(worker, options, signal),
    catch: (error) => (isSnakepitError(error) ? error : new ProtocolError({ reason: String(error) }, { cause: error })),
  });
