/** What the tests of pools share: tools, lines that Python says, and a look at the processes that are left. */
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isSnakepitError, type LogEvent, type SnakepitError } from "../src/index.ts";

/**
 * Longest time for what is promised to happen at once when something is killed, in milliseconds. It takes some ten where nobody else wants the machine,
 * and would take for ever, or much longer, without the means that are tested.
 */
export const PROMPTLY_MS = 5_000;

const folders: string[] = [];
process.on("exit", () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A new folder that is gone when the tests are. */
export function temporaryFolder(prefix = "pool-test-"): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.push(folder);
  return folder;
}

/** Path of a file of tools. */
export const toolFile = (name: string): string => fileURLToPath(new URL(`tools/${name}.py`, import.meta.url));

/** Tools of every behaviour. */
export const behaviour = toolFile("behaviour");

/** The lines that a pit logs, which can be waited for. */
export class Lines {
  readonly events: LogEvent[] = [];
  readonly #waiting = new Set<() => void>();

  /** Give this to `onLog`. */
  readonly onLog = (event: LogEvent): void => {
    this.events.push(event);
    for (const look of [...this.#waiting]) look();
  };

  /** How many lines are this text. */
  count(text: string): number {
    return this.events.filter((event) => event.text === text).length;
  }

  /** Resolves when a line has been this text so many times. */
  said(text: string, times = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.count(text) < times) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** An error with the fields that the tests look at. */
export type Failure = SnakepitError &
  Readonly<Partial<Record<"attempts" | "causes" | "nearest" | "option" | "path" | "stderr" | "traceback", unknown>>>;

/** The error of the family that `promise` rejects with. */
export async function failure(promise: PromiseLike<unknown>): Promise<Failure> {
  try {
    await promise;
  } catch (error) {
    if (isSnakepitError(error)) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

/** Everything a stream gives. */
export async function collect<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** Ids of the processes whose environment has this run marker. */
export function processesOf(run: string): number[] {
  return processesWith(`SNAKEPIT_RUN=${run}`);
}

/** Ids of the processes that have this in their environment. */
export function processesWith(variable: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const alive = !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
        return alive && environmentOf(pid).includes(`${variable}\0`);
      } catch {
        return false;
      }
    });
}

/** Ends the processes that have this in their environment, where tests have left some. */
export function killAllWith(variable: string): void {
  for (const pid of processesWith(variable)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended with another one.
    }
  }
}

/** Environment of a process, which it lacks for a moment while it becomes another program. Throws when it has ended. */
function environmentOf(pid: number): string {
  for (let looks = 1; ; looks++) {
    const found = readFileSync(`/proc/${pid}/environ`, "utf8");
    // Threads of the kernel are no programs.
    if (found !== "" || looks === 1_000 || readlinkSync(`/proc/${pid}/exe`) === "") return found;
  }
}

/** Turns of the event loop after which {@link until} looks less often. */
const EAGER_TURNS = 100;

/** Resolves when `isTrue` is. What takes longer than a few turns of the event loop is looked at every other millisecond, since others want the processor. */
export async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; !(await isTrue()); turn++) {
    await new Promise((resolve) => (turn < EAGER_TURNS ? setImmediate(resolve) : setTimeout(resolve, 2)));
  }
}
