/**
 * For tests of programs that use Snakepit: workers without Python, and faults on demand.
 *
 * @module
 */
import { kill } from "node:process";
import { InvalidOptions } from "./errors/index.ts";
import type { Callable } from "./pit/snakepit.ts";
import type { WorkerInfo } from "./pool/stats.ts";
import { killFake } from "./testing/processes.ts";

export { python } from "./adapter/python.ts";
export type { FaultOptions } from "./testing/faults.ts";
export { faulty } from "./testing/faulty.ts";
export { inMemory } from "./testing/in-memory.ts";
export type { InMemoryContext, InMemoryFunction, InMemoryTool, InMemoryTools } from "./testing/tools.ts";

/**
 * Kills a worker with SIGKILL, as the system would when memory runs out, and gives back what it was. The pool replaces it without being asked.
 *
 * @param pit - A pit, or one of its pools.
 * @param id - The worker's id. Default: the first that is ready or busy.
 * @throws InvalidOptions when there is no such worker.
 */
export async function killWorker(pit: Callable, id?: string): Promise<WorkerInfo> {
  const alive = (await pit.workers()).filter((worker) => worker.pid > 0);
  const worker = id === undefined ? alive[0] : alive.find((candidate) => candidate.id === id);
  if (worker === undefined) {
    throw new InvalidOptions({
      option: "id",
      expected: `the id of a worker that runs: ${alive.map((w) => `"${w.id}"`).join(", ") || "there is none"}`,
    });
  }
  if (!killFake(worker.pid)) kill(worker.pid, "SIGKILL");
  return worker;
}
