/** The Python adapter: workers that run `python -m snakepit.worker`. */
import { Effect } from "effect";
import { openLocal } from "../carrier/local/connect.ts";
import { WorkerStartFailed } from "../errors/index.ts";
import { startProcess } from "../runtime/process.ts";
import type { Launch, WorkerOrder } from "../worker/launch.ts";
import type { Adapter, PrepareOptions } from "./adapter.ts";
import { managedEnvironment } from "./environment.ts";
import { examine, requirePackages, search } from "./interpreter.ts";
import { pythonEnvironment } from "./python-environment.ts";

/** Workers that run Python. Finds the interpreter, or makes the managed environment, when a pool is opened. */
export const python: Adapter = {
  name: "python",
  streaming: true,
  prepare: (options) => resolvePython(options).pipe(Effect.map(launch)),
};

/** Path of the interpreter that workers run on. Fails with PythonNotFound or EnvironmentFailed. */
const resolvePython = Effect.fnUntraced(function* (options: PrepareOptions) {
  const { named, looked } = search(options.python);
  if (named === undefined) return yield* managedEnvironment(looked, options.onProgress);
  const found = yield* examine(named, looked);
  yield* requirePackages(found);
  return named.command;
});

function launch(interpreter: string): Launch {
  return {
    spawn: (order) =>
      Effect.tryPromise({
        try: () =>
          startProcess({
            command: interpreter,
            args: ["-m", "snakepit.worker", "--socket", order.socketPath],
            env: pythonEnvironment(order.env),
            onLine: order.onLine,
          }),
        catch: (cause) => notStarted(interpreter, order, cause),
      }),
    connect: (order, options) => openLocal(order, options),
  };
}

const notStarted = (interpreter: string, order: WorkerOrder, cause: unknown): WorkerStartFailed =>
  new WorkerStartFailed(
    {
      worker: order.workerId,
      reason: `${interpreter} cannot be run: ${cause instanceof Error ? cause.message : String(cause)}`,
      type: "",
      traceback: "",
      stderr: [],
    },
    { cause },
  );
