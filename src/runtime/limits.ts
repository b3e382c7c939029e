/** How much the system lets this process have. */
import { readFileSync } from "node:fs";
import { runCommand } from "./command.ts";

/** What a pit may run into. Infinity for no limit. */
export interface Limits {
  /** Files, sockets and pipes that this process may have open at once; undefined where the system does not tell. */
  readonly openFiles: number | undefined;
  /** Processes and threads that this user may have; undefined where the system does not tell. */
  readonly processes: number | undefined;
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
