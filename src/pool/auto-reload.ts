/** Pools that reload by themselves, for development. */
import { Clock, Effect, Queue, type Scope } from "effect";
import { type SnakepitError, WorkerStartFailed } from "../errors/index.ts";
import type { LogEvent } from "./logs.ts";
import { watchTools } from "./tool-watch.ts";

/**
 * In the environment of workers that are to see each change: Python knows compiled code by the second of its source and by its size, and takes old code for
 * new where a file was changed twice in a second.
 */
export const freshSources = { PYTHONDONTWRITEBYTECODE: "1" } as const;

/** Reloads whenever a file of tools has changed, until the scope closes. What comes of it is logged; with a file that does not load the workers go on. */
export const autoReload: (
  tools: readonly string[],
  reload: Effect.Effect<void, SnakepitError>,
  log: (event: Pick<LogEvent, "text" | "level">) => void,
) => Effect.Effect<void, never, Scope.Scope> = Effect.fnUntraced(function* (tools, reload, log) {
  // What changes while workers are replaced asks for another time, and for no more than that.
  const changes = yield* Queue.sliding<readonly string[]>(1);
  yield* watchTools(tools, {
    onChange: (files) => Queue.offerUnsafe(changes, files),
    onBlind: (folder, reason) => log({ level: "warning", text: `Changes in ${folder} are not seen: ${reason}` }),
  });
  const once = Effect.fnUntraced(function* (files: readonly string[]) {
    const began = yield* Clock.currentTimeMillis;
    log({ level: "info", text: `Reloading: ${files.join(", ")} changed.` });
    yield* reload;
    log({ level: "info", text: `Reloaded in ${(yield* Clock.currentTimeMillis) - began} ms.` });
  });
  const next = Queue.take(changes).pipe(
    Effect.flatMap(once),
    Effect.catch((error) => Effect.sync(() => log({ level: "error", text: `Not reloaded: ${describe(error)}` }))),
  );
  yield* Effect.forkScoped(Effect.forever(next));
});

function describe(error: SnakepitError): string {
  return error instanceof WorkerStartFailed && error.traceback !== "" ? `${error.message}\n${error.traceback.trimEnd()}` : error.message;
}
