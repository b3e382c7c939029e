/** The guard against getting slower: how Snakepit stands to the floor of the same run, held against a record that is committed. Pure. */
import type { Lookup } from "./results.ts";
import { round4 } from "./statistics.ts";

/** How many times as fast as the floor, by runtime and metric, such as "node calls_per_s_32". More is better, also where the metric is a time. */
export type Ratios = Readonly<Record<string, number>>;

/** What is less fast than it was. */
export interface Slower {
  readonly name: string;
  readonly recorded: number;
  readonly now: number;
  /** What it would have had to be at least. */
  readonly allowed: number;
}

/** How much of the record may be lost, on top of what two runs of the same system are apart. */
const TOLERANCE = 0.2;

/** What is compared: a metric, and the floor's that it is divided by. */
const guarded: readonly (readonly [metric: string, floor: string])[] = [
  ["unary_1k_p50_us", "unary_1k_p50_us"],
  ["unary_1k_p99_us", "unary_1k_p99_us"],
  ["calls_per_s_32", "calls_per_s_32"],
  // The floor has no streams; a frame there and back is the nearest it has to an item.
  ["stream_items_per_s", "calls_per_s_32"],
  ["unary_64k_calls_per_s", "unary_64k_calls_per_s"],
  ["echo_10mb_mb_per_s", "echo_10mb_mb_per_s"],
];

/** The ratios of one run. What has no figure is left out. */
export function ratiosOf(find: Lookup): Ratios {
  const ratios: Record<string, number> = {};
  for (const runtime of ["bun", "node", "deno"]) {
    for (const [metric, floorMetric] of guarded) {
      const own = find("snakepit", runtime, metric);
      const floor = find("floor", runtime, floorMetric);
      if (own === undefined || floor === undefined) continue;
      ratios[`${runtime} ${metric}`] = round4(metric.endsWith("_us") ? floor / own : own / floor);
    }
  }
  return ratios;
}

/**
 * What has fallen below the record by more than the tolerance and the spread of its metric. What the run has no figure for counts as fallen to nothing;
 * what the record does not have is not looked at.
 */
export function slower(record: Ratios, now: Ratios, spread: Readonly<Record<string, number>>): Slower[] {
  return Object.entries(record).flatMap(([name, recorded]) => {
    const allowed = recorded * leastShare(name, spread);
    const value = now[name] ?? 0;
    return value < allowed || !(value > 0) ? [{ name, recorded, now: value, allowed: round4(allowed) }] : [];
  });
}

/** What cannot be guarded, because two equal systems are further apart than anything that could be lost. */
export function tooRough(record: Ratios, spread: Readonly<Record<string, number>>): string[] {
  return Object.keys(record).filter((name) => leastShare(name, spread) === 0);
}

/** The share of a recorded ratio that has to be left. */
function leastShare(name: string, spread: Readonly<Record<string, number>>): number {
  const metric = name.slice(name.indexOf(" ") + 1);
  return Math.max(0, 1 - TOLERANCE - (spread[metric] ?? 0));
}
