/** When a worker has done enough and is replaced by a fresh one, which is how pools live with tools that leak. Pure. */

/** After what a worker is replaced. What is not given is no reason. */
export interface Recycling {
  /** Calls that have ended on it. */
  readonly calls?: number | undefined;
  /** Milliseconds since it became ready. Each worker goes up to a fifth earlier, so that those that started together do not go together. */
  readonly ageMs?: number | undefined;
  /** Resident memory of its process in bytes, as it was last looked at. */
  readonly memoryBytes?: number | undefined;
}

/** What a worker has done so far. */
export interface WorkerUse {
  readonly calls: number;
  readonly ageMs: number;
  /** 0 when it is not known. */
  readonly memoryBytes: number;
  /** Its own share of the age that it may miss, from 0 to 1. */
  readonly jitter: number;
}

/** Largest part of its age that a worker may miss. */
const EARLIER = 0.2;

/** Whether a worker is to be replaced. */
export function isDue({ calls, ageMs, memoryBytes }: Recycling, use: WorkerUse): boolean {
  if (calls !== undefined && use.calls >= calls) return true;
  if (ageMs !== undefined && use.ageMs >= ageMs * (1 - EARLIER * use.jitter)) return true;
  return memoryBytes !== undefined && use.memoryBytes >= memoryBytes;
}

/** How many workers of a pool may be replaced at a time: a quarter of them, at least one. */
export function replacedTogether(workers: number): number {
  return Math.max(1, Math.floor(workers / 4));
}
