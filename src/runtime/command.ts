/** Runs a program to its end and gives back what it wrote. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { splitLines } from "./lines.ts";

/** How to run a command. */
export interface CommandOptions {
  /** Its whole environment. Default: this program's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Kills it when aborted, and what it wrote until then is given back. */
  readonly signal?: AbortSignal;
  /** After this long it is killed, in milliseconds. Default: never. */
  readonly timeoutMs?: number;
}

/** What came of a command. */
export interface CommandResult {
  /** Its exit code; null when it could not be run or a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Why it could not be run at all, such as "ENOENT"; undefined when it was run. */
  readonly notRun: string | undefined;
  /** Whether it was killed because `timeoutMs` had passed. */
  readonly timedOut: boolean;
}

/** Runs a program to its end. Never rejects: a program that cannot be run is told by `notRun`. Its stdin is empty. */
export async function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(command, args, { env: options.env ?? process.env, stdio: ["ignore", "pipe", "pipe"] });
  const out: string[] = [];
  const err: string[] = [];
  let notRun: string | undefined;
  let timedOut = false;
  child.on("error", (error: NodeJS.ErrnoException) => {
    notRun ??= error.code ?? error.message;
  });
  const closed = once(child, "close").then(
    ([code]: (number | null)[]) => code ?? null,
    () => null,
  );
  for (const [stream, lines] of [
    [child.stdout, out],
    [child.stderr, err],
  ] as const) {
    const splitter = splitLines((line) => lines.push(line));
    // Where descriptors have run out there are no pipes.
    stream?.on("data", (bytes: Uint8Array) => splitter.write(bytes));
    stream?.once("close", () => splitter.end());
  }
  const stop = (): void => {
    child.kill("SIGKILL");
  };
  const timer =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop();
        }, options.timeoutMs);
  options.signal?.addEventListener("abort", stop);
  if (options.signal?.aborted) stop();
  const exitCode = await closed;
  clearTimeout(timer);
  options.signal?.removeEventListener("abort", stop);
  return { exitCode: notRun === undefined ? exitCode : null, stdout: out.join("\n"), stderr: err.join("\n"), notRun, timedOut };
}
