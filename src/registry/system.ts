/** What the registry asks of the system. Tests give another one. */
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import process from "node:process";
import { hasEnvironment, listProcesses, type ProcessInfo, processInfo, startTimeAtOnce } from "../runtime/process-info.ts";

/** Processes, and where they are. */
export interface System {
  /** See {@link HostRecord.machine}. */
  readonly machine: string;
  /** See {@link HostRecord.boot}. */
  readonly boot: string;
  /** This process. */
  readonly pid: number;
  find(pid: number): Promise<ProcessInfo | undefined>;
  /** Empty where it takes longer than a moment. */
  startTimeAtOnce(pid: number): string;
  list(): Promise<readonly ProcessInfo[]>;
  hasEnvironment(pid: number, variable: string): Promise<boolean>;
  /** Sends SIGKILL to a process, or to a group when its id is negative. Answers false when that was not possible. */
  kill(pid: number): boolean;
}

/** The system this program runs on. */
export function thisSystem(): System {
  return {
    // Containers may share a home, and so a registry, but not their pids.
    machine: `${hostname()} ${linkOf("/proc/self/ns/pid")}`.trimEnd(),
    boot: textOf("/proc/sys/kernel/random/boot_id"),
    pid: process.pid,
    find: processInfo,
    startTimeAtOnce,
    list: listProcesses,
    hasEnvironment,
    kill,
  };
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
