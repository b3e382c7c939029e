/** The Python adapter: workers that run `python -m snakepit.worker`. */
import { Effect } from "effect";
import { openLocal } from "../carrier/local/connect.ts";
import { WorkerStartFailed } from "../errors/index.ts";
import { startProcess } from "../runtime/process.ts";
import type { Launch, WorkerOrder } from "../worker/launch.ts";
import type { Adapter, PrepareOptions } from "./adapter.ts";
import { managedEnvironment, type ReadyPython } from "./environment.ts";
import { examine, requirePackages, search } from "./interpreter.ts";
import { pythonEnvironment } from "./python-environment.ts";
import { isAtLeast } from "./requirements.ts";

/** Workers that run Python. Finds the interpreter, or makes the managed environment, when a pool is opened. */
export const python: Adapter = {
  name: "python",
  streaming: true,
  prepare: (options) => resolvePython(options).pipe(Effect.map(launch)),
};

/** The interpreter that workers run on. Fails with PythonNotFound or EnvironmentFailed. */
const resolvePython = Effect.fnUntraced(function* (options: PrepareOptions) {
  const { named, looked } = search(options.python);
  if (named === undefined) return yield* managedEnvironment(looked, options.onProgress);
  const found = yield* examine(named, looked);
  yield* requirePackages(found);
  // A bare name may belong to a shim, which would be run again for each worker. A path may be a wrapper that is meant to be run.
  return { path: named.command.includes("/") ? named.command : found.executable, version: found.version } satisfies ReadyPython;
});

function launch({ path, version }: ReadyPython): Launch {
  // Without the working directory in front of the standard library, a queue.py that lies there is not what workers import. From 3.11 on.
  const safe = isAtLeast(version, [3, 11]) ? ["-P"] : [];
  return {
    spawn: (order) =>
      Effect.tryPromise({
        try: () =>
          startProcess({
            command: path,
            args: [...safe, "-m", "snakepit.worker", "--socket", order.socketPath],
            env: pythonEnvironment(order.env),
            onLine: order.onLine,
          }),
        catch: (cause) => notStarted(path, order, cause),
      }),
    connect: (order, options) => openLocal(order, options),
  };
}

/** What the system lacks for a moment: a later start may go well. */
const exhausted: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"]);

const notStarted = (interpreter: string, order: WorkerOrder, cause: unknown): WorkerStartFailed =>
  new WorkerStartFailed(
    {
      worker: order.workerId,
      reason: `${interpreter} cannot be run: ${cause instanceof Error ? cause.message : String(cause)}`,
      type: "",
      traceback: "",
      stderr: [],
    },
    { cause, retryable: cause instanceof Error && "code" in cause && exhausted.has(cause.code) },
  );
