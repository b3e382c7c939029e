/** What the scenarios share. */
import { fileURLToPath } from "node:url";
import { isSnakepitError } from "../src/index.ts";

/** The tools of the scenarios. */
export const tools = fileURLToPath(new URL("./tools.py", import.meta.url));

/** The interpreter of this checkout. */
export const python = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));

/** Resolves after so many milliseconds. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves to whether `isTrue` came true before the time was up. */
export async function within(ms: number, isTrue: () => boolean | Promise<boolean>): Promise<boolean> {
  const until = performance.now() + ms;
  for (;;) {
    if (await isTrue()) return true;
    if (performance.now() >= until) return false;
    await pause(5);
  }
}

/** What a promise gives, or "late". */
export async function orLate<T>(promise: Promise<T>, ms: number): Promise<T | "late"> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(resolve, ms, "late");
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a call failed with: its tag, or what else was thrown. */
export const tagOf = (error: unknown): string => (isSnakepitError(error) ? error._tag : String(error));

/** Does `one` for 0 up to `count`, so many at once, until it is all done or the time is up. Answers how many were begun. */
export async function many(count: number, atOnce: number, until: number, one: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count && performance.now() < until) await one(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return next;
}

/** How often each of the names was counted, in the order of the alphabet. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(name: string): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  get all(): Record<string, number> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** What stands between these: median, nearest-rank 99th percentile, largest; rounded to a tenth. */
export function spread(values: readonly number[]): { readonly median: number; readonly p99: number; readonly max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): number =>
    Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN) * 10) / 10;
  return { median: at(0.5), p99: at(0.99), max: at(1) };
}
