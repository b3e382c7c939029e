/** A look at the system's processes, Linux only: who is there, how they are, how much memory they have. */
import { readdirSync, readFileSync } from "node:fs";

/** Ids of the living processes that have `variable` ("NAME=value") in their environment, this one left out. */
export function processesWith(variable: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && isAlive(pid) && read(pid, "environ").includes(`${variable}\0`));
}

/** Whether a process runs, or is stopped, but has not ended. */
export function isAlive(pid: number): boolean {
  const state = /^State:\s+(\w)/m.exec(read(pid, "status"))?.[1];
  return state !== undefined && state !== "Z" && state !== "X";
}

/** When it started, in clock ticks since the system did; empty when there is no such process. With the pid it says who a process is. */
export function startTicks(pid: number): string {
  const stat = read(pid, "stat");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

/** Resident memory in bytes; 0 when there is no such process. */
export function residentBytes(pid: number = process.pid): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(read(pid, "status"))?.[1] ?? 0) * 1024;
}

/** Sends a signal. Does nothing when the process is gone. */
export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended before.
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
