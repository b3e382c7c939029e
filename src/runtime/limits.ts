/** How much the system lets this process have. */
import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import { runCommand } from "./command.ts";

/** What a pit may run into. Infinity for no limit. */
export interface Limits {
  /** Files, sockets and pipes that this process may have open at once; undefined where the system does not tell. */
  readonly openFiles: number | undefined;
  /** Processes and threads that this user may have; undefined where the system does not tell. */
  readonly processes: number | undefined;
}

/** Memory that this process and those it starts may use, in bytes. */
export interface MemoryLimits {
  /** What the machine has, or what a container may have of it. */
  readonly totalBytes: number;
  /** What is free of that. */
  readonly freeBytes: number;
  /** Whether a container has less than the machine: the limit of a control group. */
  readonly isLimited: boolean;
}

/** How much memory there is. */
export function memoryLimits(): MemoryLimits {
  const machine = totalmem();
  // Without a limit runtimes say 0, or more than any machine has.
  const limit = process.constrainedMemory();
  const isLimited = limit > 0 && limit < machine;
  return { totalBytes: isLimited ? limit : machine, freeBytes: process.availableMemory(), isLimited };
}

/** The limits in force. By `/proc` on Linux, elsewhere by what the shell says. */
export async function limits(): Promise<Limits> {
  if (process.platform !== "linux") return { openFiles: await ulimit("-n"), processes: await ulimit("-u") };
  let text = "";
  try {
    text = readFileSync("/proc/self/limits", "utf8");
  } catch {
    // Not told then.
  }
  const soft = (name: string): number | undefined => amount(new RegExp(`^${name} +(\\S+)`, "m").exec(text)?.[1]);
  return { openFiles: soft("Max open files"), processes: soft("Max processes") };
}

const ulimit = async (flag: string): Promise<number | undefined> =>
  amount((await runCommand("/bin/sh", ["-c", `ulimit ${flag}`])).stdout.trim());

function amount(text: string | undefined): number | undefined {
  if (text === "unlimited") return Number.POSITIVE_INFINITY;
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}
