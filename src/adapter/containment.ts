/**
 * How tightly what tools start is held together: by the worker's process group, or by a guardian that also ends what has left the group.
 *
 * A guardian is a small process of its own, one a worker, between the host and the worker; `_guardian.py` says what it does.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Effect } from "effect";
import { InvalidOptions } from "../errors/index.ts";
import { pythonSource } from "../runtime/package-root.ts";
import { killGroup, type ProcessOptions, startProcess } from "../runtime/process.ts";
import { residentBytes, startTimeAtOnce } from "../runtime/process-info.ts";
import type { WorkerProcess } from "../worker/launch.ts";
import type { PrepareOptions } from "./adapter.ts";
import { type ControlGroups, findControlGroups } from "./control-group.ts";

/**
 * What ends with a worker. "group": its process group, which is everything that has not called `setsid` or `setpgid`. "subreaper": every descendant, also
 * daemons. "cgroup": the same, all at one moment, so that nothing escapes by starting others faster than they can be killed.
 */
export type Containment = "group" | "subreaper" | "cgroup";

/** What a stricter containment than "group" stands on. */
export interface Contained {
  /** Where workers get a control group of their own; undefined for none. */
  readonly groups: ControlGroups | undefined;
}

/** How a worker is guarded. */
export interface Guarding extends Contained {
  /** The interpreter that runs the guardian. */
  readonly python: string;
  /** How long a guardian may take to start its worker, in milliseconds. */
  readonly withinMs: number;
}

/** What `containment` needs of the system; undefined for "group". Fails with InvalidOptions, which says what is missing. */
export const checkContainment: (
  options: Pick<PrepareOptions, "containment" | "preload">,
) => Effect.Effect<Contained | undefined, InvalidOptions> = Effect.fnUntraced(function* ({ containment, preload }) {
  if (containment === undefined || containment === "group") return undefined;
  const refused = (expected: string): InvalidOptions => new InvalidOptions({ option: "containment", expected });
  if (process.platform !== "linux") return yield* Effect.fail(refused(`"group" on ${process.platform}: "${containment}" needs Linux`));
  if (preload !== undefined) {
    return yield* Effect.fail(refused(`"group" together with preload: a forked worker is a child of its fork server, not of a guardian`));
  }
  // How guardians find what they are to end.
  if (!existsSync("/proc/thread-self/children")) {
    return yield* Effect.fail(refused(`"group" here: the kernel lists no children in /proc (CONFIG_PROC_CHILDREN)`));
  }
  if (containment === "subreaper") return { groups: undefined };
  const groups = yield* Effect.promise(findControlGroups);
  return "missing" in groups ? yield* Effect.fail(refused(`"group" or "subreaper" here: ${groups.missing}`)) : { groups };
});

/**
 * Starts a worker's process under a guardian. What is given back is the worker: its pid, its memory, its end.
 *
 * @throws The runtime's own error when the guardian cannot be run, and Error when it ends, or takes too long, before the worker is there.
 */
export async function startGuarded(options: ProcessOptions, guarding: Guarding): Promise<WorkerProcess> {
  const cgroup = await guarding.groups?.make();
  const reported = Promise.withResolvers<number>();
  const guardian = await startProcess({
    ...options,
    command: guarding.python,
    args: ["-I", "-S", join(pythonSource(), "snakepit", "_guardian.py"), cgroup?.path ?? "", options.command, ...options.args],
    onReport: (line) => reported.resolve(Number(line)),
  }).catch(async (cause: unknown) => {
    await cgroup?.end();
    throw cause;
  });
  const late = new AbortController();
  const pid = await Promise.race([
    reported.promise,
    guardian.exited.then(({ exitCode, signal }) => new Error(`its guardian ended with ${signal ?? `exit code ${exitCode}`}`)),
    sleep(guarding.withinMs, new Error(`its guardian has not started it within ${guarding.withinMs} ms`), { signal: late.signal }),
  ]);
  late.abort();
  if (typeof pid !== "number") {
    guardian.kill("SIGKILL");
    await cgroup?.end();
    throw pid;
  }
  const started = startTimeAtOnce(pid);
  let gone = false;
  const kill = (signal: NodeJS.Signals): void => {
    if (gone) return;
    // As long as the group has members nobody else gets its id; so only a process with that id which started later is a stranger.
    const now = startTimeAtOnce(pid);
    if (now === "" || now === started) killGroup(pid, signal);
    // A guardian that somebody has stopped would end nothing, and be waited for.
    if (signal === "SIGKILL") guardian.kill("SIGCONT");
  };
  const exited = guardian.exited.then(async (exit) => {
    // There is something left to end only where the guardian itself was killed.
    kill("SIGKILL");
    gone = true;
    await cgroup?.end();
    return exit;
  });
  return {
    pid,
    startedBy: "spawn",
    exited,
    kill,
    writeStdin: guardian.writeStdin,
    memoryBytes: () => (gone ? Promise.resolve(0) : residentBytes(pid)),
  };
}
