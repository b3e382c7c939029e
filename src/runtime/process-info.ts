/** What the system knows of a process: `/proc` on Linux, `ps` elsewhere. */
import { readFile } from "node:fs/promises";
import { runCommand } from "./command.ts";

/** Resident memory of a process in bytes; 0 when there is no such process. */
export async function residentBytes(pid: number): Promise<number> {
  if (process.platform === "linux") {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(await readProc(pid, "status"))?.[1];
    return Number(kib ?? 0) * 1024;
  }
  return Number((await ps(pid, "rss")) || 0) * 1024;
}

/**
 * When a process started, in a form that only serves to be compared: with the pid it says whether a process is still the same one.
 * Empty when there is no such process.
 */
export async function startTime(pid: number): Promise<string> {
  if (process.platform !== "linux") return ps(pid, "lstart");
  const stat = await readProc(pid, "stat");
  // The second field is the name in brackets, which may hold anything. Field 22 counts clock ticks since boot.
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

async function readProc(pid: number, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

async function ps(pid: number, column: string): Promise<string> {
  const { stdout } = await runCommand("ps", ["-o", `${column}=`, "-p", String(pid)]);
  return stdout.trim();
}
