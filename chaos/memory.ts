/** Resident memory, and whether it grows. */
import { setImmediate as turn } from "node:timers/promises";
import { residentBytes } from "./processes.ts";

/** Resident memory of this process after the garbage was collected, in bytes. */
export async function settledMemory(): Promise<number> {
  for (let n = 0; n < 3; n++) {
    if (typeof Bun !== "undefined") Bun.gc(true);
    globalThis.gc?.();
    await turn();
  }
  return residentBytes();
}

/** One look: after so many calls, so many bytes. */
export interface Sample {
  readonly calls: number;
  readonly bytes: number;
}

/**
 * How many bytes a call leaves behind: the median of the slopes between all pairs of samples (Theil and Sen). A single step of the allocator, up or
 * down, does not move it, while what grows with every call does. The first third is left out: caches fill there and compilers work.
 */
export function bytesPerCall(samples: readonly Sample[]): number {
  const late = samples.slice(Math.floor(samples.length / 3));
  const slopes: number[] = [];
  for (const [n, from] of late.entries()) {
    for (const to of late.slice(n + 1)) slopes.push((to.bytes - from.bytes) / (to.calls - from.calls));
  }
  slopes.sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? Number.NaN;
}
