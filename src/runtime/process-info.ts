/** What the system knows of processes: `/proc` on Linux, `ps` elsewhere. */
import { readFileSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "./command.ts";

/** A process, as the system lists it. */
export interface ProcessInfo {
  readonly pid: number;
  /** Id of its process group; its own when it leads one. */
  readonly group: number;
  /** See {@link startTime}. */
  readonly startTime: string;
  /** Whether it has ended, and is only still listed because nobody has asked for its exit code. */
  readonly ended: boolean;
}

const linux = process.platform === "linux";
/** What {@link parsePs} reads. */
const columns = "pid=,pgid=,stat=,lstart=";
/** How often an environment that is empty is looked at, a millisecond apart. */
const LOOKS = 50;

/** Resident memory of a process in bytes; 0 when there is no such process. */
export async function residentBytes(pid: number): Promise<number> {
  if (linux) {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readProc(pid, "status"))?.[1];
    return Number(kib ?? 0) * 1024;
  }
  return Number((await ps("-o", "rss=", "-p", String(pid))) || 0) * 1024;
}

/**
 * When a process started, in a form that only serves to be compared: with the pid it says whether a process is still the same one.
 * Empty when there is no such process.
 */
export async function startTime(pid: number): Promise<string> {
  return (await processInfo(pid))?.startTime ?? "";
}

/** A process; undefined when there is none of this id. */
export async function processInfo(pid: number): Promise<ProcessInfo | undefined> {
  return linux ? parseStat(await readProc(pid, "stat")) : parsePs(await ps("-o", columns, "-p", String(pid)));
}

/** What {@link startTime} gives, at once, where the system tells without starting a program, which is on Linux. Empty elsewhere. */
export function startTimeAtOnce(pid: number): string {
  if (!linux) return "";
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"))?.startTime ?? "";
  } catch {
    return "";
  }
}

/** Whether a process still runs, and is the one that started then. Linux only. */
export async function isRunning(pid: number, startTime: string): Promise<boolean> {
  const found = parseStat(await readProc(pid, "stat"));
  return found !== undefined && !found.ended && found.startTime === startTime;
}

/** Every process there is, as far as this user may know of it. */
export async function listProcesses(): Promise<readonly ProcessInfo[]> {
  if (!linux) return (await ps("-axo", columns)).split("\n").flatMap((line) => parsePs(line) ?? []);
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readProc(Number(pid), "stat")));
  return stats.flatMap((stat) => parseStat(stat) ?? []);
}

/**
 * Whether a process was started with this in its environment, such as "NAME=value". False when that may not be known: it is gone, has ended, or is
 * somebody else's. What it has set itself since does not count.
 */
export async function hasEnvironment(pid: number, variable: string): Promise<boolean> {
  if (linux) return `\0${await environmentOf(pid)}`.includes(`\0${variable}\0`);
  return ` ${await ps("eww", "-o", "command=", "-p", String(pid))} `.includes(` ${variable} `);
}

function parseStat(stat: string): ProcessInfo | undefined {
  // The second field is the name in brackets, which may hold anything. Field 22 counts clock ticks since boot.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const startTime = fields[19];
  return startTime === undefined
    ? undefined
    : { pid: Number.parseInt(stat, 10), group: Number(fields[2]), startTime, ended: fields[0] === "Z" || fields[0] === "X" };
}

function parsePs(line: string): ProcessInfo | undefined {
  const [, pid, group, state, startTime] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
  return state === undefined || startTime === undefined
    ? undefined
    : { pid: Number(pid), group: Number(group), startTime, ended: state.startsWith("Z") };
}

async function readProc(pid: number, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

/** While a process becomes another program it has no environment for a moment, which is not to be taken for the answer. */
async function environmentOf(pid: number): Promise<string> {
  for (let looks = 1; ; looks++) {
    const found = await readProc(pid, "environ");
    if (found !== "" || looks === LOOKS || !(await hasProgram(pid))) return found;
    await sleep(1);
  }
}

/** Threads of the kernel have none, nor has what has ended; somebody else's is not told. */
async function hasProgram(pid: number): Promise<boolean> {
  try {
    return (await readlink(`/proc/${pid}/exe`)) !== "";
  } catch {
    return false;
  }
}

async function ps(...args: readonly string[]): Promise<string> {
  // Times are compared with what other programs have read, which may have another language and zone.
  const { stdout } = await runCommand("ps", args, { env: { ...process.env, LC_ALL: "C", TZ: "UTC" } });
  return stdout.trim();
}
