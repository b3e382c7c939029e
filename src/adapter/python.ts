/** The Python adapter: workers that run `python -m snakepit.worker`. */
import { Effect } from "effect";
import { openLocal } from "../carrier/local/connect.ts";
import { type ProcessOptions, startProcess } from "../runtime/process.ts";
import type { Launch, WorkerOrder, WorkerProcess } from "../worker/launch.ts";
import type { Adapter, PrepareOptions } from "./adapter.ts";
import { type Contained, checkContainment, startGuarded } from "./containment.ts";
import { managedEnvironment, type ReadyPython } from "./environment.ts";
import { forkLaunch } from "./fork-launch.ts";
import type { Command } from "./fork-server.ts";
import { examine, requirePackages, search } from "./interpreter.ts";
import { recall, remember } from "./known-interpreters.ts";
import { notStarted } from "./not-started.ts";
import { pythonEnvironment } from "./python-environment.ts";
import { isAtLeast } from "./requirements.ts";

/** Workers that run Python. Finds the interpreter, or makes the managed environment, when a pool is opened. */
export const python: Adapter = {
  name: "python",
  streaming: true,
  prepare: Effect.fnUntraced(function* (options) {
    const contained = yield* checkContainment(options);
    const found = yield* resolvePython(options);
    const { preload } = options;
    return preload === undefined
      ? spawnLaunch(found, contained)
      : yield* forkLaunch(spawnLaunch(found), { ...options, preload, run: runModule(found) });
  }),
};

/** The interpreter that workers run on. Fails with PythonNotFound or EnvironmentFailed. */
const resolvePython = Effect.fnUntraced(function* (options: PrepareOptions) {
  const { named, looked } = search(options.python);
  if (named === undefined) return yield* managedEnvironment(looked, options.onProgress);
  const isPath = named.command.includes("/");
  const known = isPath ? recall(named.command) : undefined;
  if (known !== undefined) return { path: named.command, version: known } satisfies ReadyPython;
  const found = yield* examine(named, looked);
  yield* requirePackages(found);
  remember(found);
  // A bare name may belong to a shim, which would be run again for each worker. A path may be a wrapper that is meant to be run.
  return { path: isPath ? named.command : found.executable, version: found.version } satisfies ReadyPython;
});

/** How to run one of Snakepit's own Python modules: the program and the arguments before those of the module. */
function runModule({ path, version }: ReadyPython): (module: string) => Command {
  // Without the working directory in front of the standard library, a queue.py that lies there is not what workers import. From 3.11 on.
  const safe = isAtLeast(version, [3, 11]) ? ["-P"] : [];
  return (module) => ({ command: path, args: [...safe, "-m", module] });
}

function spawnLaunch(found: ReadyPython, contained?: Contained): Launch {
  const { command, args } = runModule(found)("snakepit.worker");
  const start = async (order: WorkerOrder): Promise<WorkerProcess> => {
    const options: ProcessOptions = {
      command,
      args: [...args, "--socket", order.socketPath],
      env: pythonEnvironment(order.env),
      onLine: order.onLine,
    };
    return contained === undefined
      ? { ...(await startProcess(options)), startedBy: "spawn" }
      : await startGuarded(options, { ...contained, python: command, withinMs: order.readyTimeoutMs });
  };
  return {
    spawn: (order) =>
      Effect.tryPromise({
        try: () => start(order),
        catch: (cause) => notStarted(command, order.workerId, cause),
      }),
    connect: (order, options) => openLocal(order, options),
  };
}
