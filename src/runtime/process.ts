/**
 * Starts a process that leads a process group of its own.
 *
 * `node:child_process` does this the same way on Bun, Node and Deno: `detached` calls setsid. Start from the main thread: a worker asks the
 * kernel to kill it when the thread that started it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { hear } from "./lines.ts";
import { residentBytes } from "./process-info.ts";

/** What to start. */
export interface ProcessOptions {
  /** Program: an absolute path, or a name that PATH knows. */
  readonly command: string;
  /** Its arguments. */
  readonly args: readonly string[];
  /** Its whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Hears each line it writes. */
  onLine(source: "stdout" | "stderr", line: string): void;
  /** Hears each line it writes to descriptor 3, a socket that is there only when this is given. The other end is closed when this program ends. */
  readonly onReport?: ((line: string) => void) | undefined;
}

/** How a process ended: one of the two is null. */
export interface ProcessEnd {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A process that was started. It leads a process group of its own. */
export interface RunningProcess {
  /** Process id, which is the id of its group too. */
  readonly pid: number;
  /** Resolves when it has ended and its last line was heard. Never rejects. */
  readonly exited: Promise<ProcessEnd>;
  /** Writes to its stdin, which stays open. Ignored when the process is gone. */
  writeStdin(text: string): void;
  /** Sends a signal to the whole group. Ignored when the group is gone. */
  kill(signal: NodeJS.Signals): void;
  /** Resident memory in bytes; 0 when it cannot be read. */
  memoryBytes(): Promise<number>;
}

/**
 * How long output is waited for when the process is gone but something that left its group still holds its stdout, in milliseconds. Shorter than whoever
 * has lost the connection waits for the exit code.
 */
export const lingerMs = 250;

/**
 * Starts a process in a session and group of its own, with piped stdin, stdout and stderr. What is left of its group when it ends is killed.
 *
 * @throws The runtime's own error (ENOENT, EACCES, EMFILE) when the program cannot be run.
 */
export async function startProcess(options: ProcessOptions): Promise<RunningProcess> {
  const stdio = new Array<"pipe">(options.onReport === undefined ? 3 : 4).fill("pipe");
  const child = spawn(options.command, options.args, { env: { ...options.env }, stdio, detached: true });
  const { pid } = child;
  if (pid === undefined) {
    // Where descriptors have run out there are no pipes either, so this comes before anything is done with them.
    const [error] = await once(child, "error");
    throw error;
  }
  const report = child.stdio[3];
  if (options.onReport !== undefined && report instanceof Readable) void hear(report, options.onReport);
  // Writing to a process that is gone is no fault; its end is heard elsewhere.
  child.stdin.on("error", () => {});
  let gone = false;
  const kill = (signal: NodeJS.Signals): void => {
    if (!gone) killGroup(pid, signal);
  };
  const exited = ended(child, options, () => {
    kill("SIGKILL");
    gone = true;
  });
  return {
    pid,
    exited,
    kill,
    writeStdin: (text) => {
      if (!gone) child.stdin.write(text);
    },
    memoryBytes: () => (gone ? Promise.resolve(0) : residentBytes(pid)),
  };
}

/** Sends a signal to every process of a group. Does nothing when the group is gone. */
export function killGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // ESRCH: gone. EPERM: only processes that changed their user are left, or zombies (macOS says it of those).
  }
}

async function ended(
  child: ChildProcess & { stdout: Readable; stderr: Readable },
  options: ProcessOptions,
  onExit: () => void,
): Promise<ProcessEnd> {
  const heard = Promise.all([
    hear(child.stdout, (line) => options.onLine("stdout", line)),
    hear(child.stderr, (line) => options.onLine("stderr", line)),
  ]);
  const end = await new Promise<ProcessEnd>((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  onExit();
  const linger = setTimeout(() => {
    child.stdout.destroy();
    child.stderr.destroy();
  }, lingerMs);
  await heard;
  clearTimeout(linger);
  child.stdin?.destroy();
  return end;
}
