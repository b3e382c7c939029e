/** A worker's process that a fork server has made: its server says how it ended, the kernel when the server can no longer. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ForkedEnded } from "../gen/snakepit/v1/fork_pb.ts";
import type { OutputSocket } from "../runtime/output-socket.ts";
import { killGroup, lingerMs } from "../runtime/process.ts";
import { isRunning, residentBytes, startTimeAtOnce } from "../runtime/process-info.ts";
import type { ProcessExit, WorkerProcess } from "../worker/launch.ts";

/** How often a process is looked at whose server is gone, in milliseconds. */
const LOOK_MS = 50;

/** One forked process. */
export class ForkedProcess implements WorkerProcess {
  readonly startedBy = "fork";
  readonly pid: number;
  readonly exited: Promise<ProcessExit>;
  readonly #startTime: string;
  readonly #ended = Promise.withResolvers<ProcessExit>();
  #gone = false;

  constructor(pid: number, startTime: string, outputs: readonly OutputSocket[]) {
    this.pid = pid;
    this.#startTime = startTime;
    this.exited = this.#ended.promise.then(async (exit) => {
      await Promise.race([Promise.all(outputs.map(({ closed }) => closed)), sleep(lingerMs, undefined, { ref: false })]);
      for (const output of outputs) output.close();
      return exit;
    });
  }

  /** Its server says that it has ended. */
  end({ exitCode, signal, peakMemoryBytes }: ForkedEnded): void {
    this.#gone = true;
    this.#ended.resolve({
      exitCode: signal === "" ? exitCode : null,
      signal: signal === "" ? null : signal,
      peakMemoryBytes: Number(peakMemoryBytes),
    });
  }

  /** Its server is gone. It may live on; nobody will learn its exit code. */
  async orphan(): Promise<void> {
    while (!this.#gone && (await isRunning(this.pid, this.#startTime))) await sleep(LOOK_MS);
    // What it left in its group goes with it.
    this.kill("SIGKILL");
    this.#gone = true;
    this.#ended.resolve({ exitCode: null, signal: null });
  }

  writeStdin(): void {}

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    if (this.#gone) return;
    // As long as the group has members nobody else gets its id; so only a process with that id which started later is a stranger.
    const startTime = startTimeAtOnce(this.pid);
    if (startTime === "" || startTime === this.#startTime) killGroup(this.pid, signal);
  }

  memoryBytes(): Promise<number> {
    return this.#gone ? Promise.resolve(0) : residentBytes(this.pid);
  }
}
