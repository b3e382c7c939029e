/** Tells whether a process is still the one that was meant: pids are used again, a pid with its start time is not. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** When a process started, as the system writes it; undefined when there is none. */
export function startedAt(pid) {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" ? undefined : fields[18];
    }
    return (
      execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim() ||
      undefined
    );
  } catch {
    return undefined;
  }
}

/** A process in writing. */
export const identityOf = (pid) => `${pid}\n${startedAt(pid)}`;

/** The pid of what {@link identityOf} wrote, or undefined when that process is gone. */
export function livingPid(identity) {
  const [pid, started] = identity.split("\n");
  return started !== "undefined" && startedAt(pid) === started ? Number(pid) : undefined;
}
