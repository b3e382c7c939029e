/** Looks at the system itself for what a program left behind. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** Pids of this process's children, as Linux or else `ps` tells them. */
function children(): number[] {
  if (process.platform !== "linux") {
    const lines = execFileSync("ps", ["-A", "-o", "pid=,ppid=,comm="], { encoding: "utf8" }).trim().split("\n");
    const rows = lines.map((line) => line.trim().split(/\s+/));
    return rows.flatMap(([pid, parent, name]) => (Number(parent) === process.pid && name !== "ps" ? [Number(pid)] : []));
  }
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const parent = stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1];
      return Number(parent) === process.pid ? [Number(pid)] : [];
    } catch {
      return []; // it ended while we looked
    }
  });
}

const isThere = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Those of `pids` that still run, and every child that this process still has. */
export const processesLeft = (pids: Iterable<number>): number[] => [...new Set([...[...pids].filter(isThere), ...children()])];
