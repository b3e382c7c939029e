/** Runs one task in a process of its own and reads what it found. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import type { Effort, Finding } from "./measure.ts";
import type { Peers } from "./peers.ts";
import { inProcessPeers, runtimes, type Task } from "./plan.ts";

/** What every task is run with. */
export interface Setting {
  readonly effort: Effort;
  /** The interpreter that Snakepit and the floor use. */
  readonly python: string;
  /** Where the others are; undefined when none of them is run. */
  readonly peers: Peers | undefined;
}

const root = fileURLToPath(new URL("../", import.meta.url));
/** What runs now, which ends with this process. */
let current: number | undefined;
for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15 })) {
  process.once(signal, () => {
    endGroup(current);
    process.exit(128 + number);
  });
}
const LIMIT_MS = 120_000;
const WHY_LENGTH = 160;

/**
 * What it found. Where it failed, one line that says why: for every metric of a peer ("*"), which is not tried again, or under the name of our own program,
 * which is.
 */
export async function runTask(task: Task, { effort, python, peers }: Setting, skip: readonly string[]): Promise<Finding[]> {
  const [file = "", ...before] = runtimes[task.runtime];
  const interpreter = task.isPeer && peers !== undefined ? peers.python : python;
  const env =
    inProcessPeers.includes(task.system) && peers !== undefined ? { ...process.env, LD_LIBRARY_PATH: peers.libraries } : process.env;
  // A group of its own, so that nothing of it is left behind.
  const running = spawn(file, [...before, ...task.command, interpreter, JSON.stringify(effort), ...skip], {
    cwd: root,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  current = running.pid;
  let stdout = "";
  let stderr = "";
  running.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  running.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const timer = setTimeout(() => endGroup(running.pid), LIMIT_MS);
  // Not "close": what it left behind may hold the pipes.
  const closed = once(running, "close");
  const [code, signal] = await once(running, "exit");
  clearTimeout(timer);
  endGroup(running.pid);
  await closed;
  const line = stdout.split("\n").findLast((text) => text.startsWith('[{"metric"'));
  // It prints nothing else that begins so.
  if (line !== undefined) return JSON.parse(line) as Finding[];
  const why = reason(stderr) ?? `it ended with ${signal ?? `exit code ${code}`}`;
  return [{ metric: task.isPeer ? "*" : task.what, why }];
}

/** The line of an error message that says what went wrong. */
function reason(stderr: string): string | undefined {
  const said = stripVTControlCharacters(stderr)
    .split("\n")
    .find((text) => /error\b|Error:|panic|Cannot find/.test(text));
  // Where things are on this machine is of no interest.
  return said?.replaceAll(root, "").trim().slice(0, WHY_LENGTH);
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // Nothing of it is left.
  }
}
