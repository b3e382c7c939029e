/** Whether the kernel's memory killer was at work: Linux counts it for each control group. */
import { readFileSync } from "node:fs";
import type { ProcessExit } from "./launch.ts";

let eventsPath: string | undefined | null = null;

/** Where the counters of this process's control group are; undefined where there are none. Workers live in the same group. */
function findEvents(): string | undefined {
  try {
    const line = readFileSync("/proc/self/cgroup", "utf8")
      .split("\n")
      .find((l) => l.startsWith("0::"));
    if (line === undefined) return undefined;
    const path = `/sys/fs/cgroup${line.slice(3).replace(/\/$/, "")}/memory.events`;
    readFileSync(path);
    return path;
  } catch {
    return undefined;
  }
}

/** How many processes of this control group the memory killer has ended; 0 where nobody counts. */
export function oomKills(): number {
  if (eventsPath === null) eventsPath = findEvents();
  if (eventsPath === undefined) return 0;
  try {
    return Number(/^oom_kill (\d+)$/m.exec(readFileSync(eventsPath, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * Whether a process ended because memory ran out: by a signal that its host has not sent, while the memory killer was at work. The victim may have been
 * another process of the group, which is rare enough to be told as this one.
 *
 * @param kills - What {@link oomKills} gave before the process was started, and after it had ended.
 */
export function ranOutOfMemory(
  exit: ProcessExit,
  killedByHost: boolean,
  kills: { readonly before: number; readonly after: number },
): boolean {
  return exit.signal === "SIGKILL" && !killedByHost && kills.after > kills.before;
}
