/** Whether the kernel's memory killer was at work: Linux counts it for each control group. */
import { readFileSync } from "node:fs";

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
