/** Processors: the host has one to itself, its Python process another, for every system alike. */
import { execFileSync } from "node:child_process";
import { availableParallelism } from "node:os";

const HOST_CPU = "0";
const WORKER_CPU = "1";

/** Whether processes can be pinned here: by `taskset`, with two processors or more. */
export function canPin(): boolean {
  try {
    execFileSync("taskset", ["--version"], { stdio: "ignore" });
    return availableParallelism() >= 2;
  } catch {
    return false;
  }
}

/** Pins this process and its Python process, with all their threads. What has no Python process of its own keeps every processor. */
export function pin(worker: number | undefined): void {
  if (worker === undefined || !canPin()) return;
  for (const [cpu, pid] of [
    [HOST_CPU, process.pid],
    [WORKER_CPU, worker],
  ] as const) {
    execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", cpu, String(pid)], { stdio: "ignore" });
  }
}
