/** The measurements, the same for every system. */
import { readFileSync } from "node:fs";
import type { System } from "./systems/system.ts";

/** How much is done in one round. */
export interface Effort {
  readonly warmUp: number;
  readonly calls: number;
  readonly secondsAtOnce: number;
  readonly items: number;
  readonly blobs: number;
}

/** One figure of one round. */
export interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

const KILOBYTE = "x".repeat(1_024);
const AT_ONCE = 32;
const BLOB_BYTES = 10_000_000;

const quantile = (sorted: Float64Array, q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;

/** A kilobyte there and back, one after the other. */
async function unary(system: System, effort: Effort): Promise<Figure[]> {
  for (let i = 0; i < effort.warmUp; i++) if ((await system.echo(KILOBYTE)) !== KILOBYTE) throw new Error("echo gave something else back");
  const times = new Float64Array(effort.calls);
  for (let i = 0; i < times.length; i++) {
    const start = performance.now();
    await system.echo(KILOBYTE);
    times[i] = (performance.now() - start) * 1_000;
  }
  times.sort();
  return [
    { metric: "unary_1k_p50_us", unit: "us", value: quantile(times, 0.5) },
    { metric: "unary_1k_p99_us", unit: "us", value: quantile(times, 0.99) },
  ];
}

/** The same with 32 in flight at any time. */
async function atOnce(system: System, effort: Effort): Promise<Figure[]> {
  let done = 0;
  const start = performance.now();
  const until = start + effort.secondsAtOnce * 1_000;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      await system.echo(KILOBYTE);
      done++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return [{ metric: "calls_per_s_32", unit: "1/s", value: done / ((performance.now() - start) / 1_000) }];
}

/** Many small items. */
async function stream(system: System, effort: Effort): Promise<Figure[]> {
  if (system.items === undefined) return [];
  const run = async (n: number): Promise<{ first: number; total: number }> => {
    const start = performance.now();
    let first = 0;
    let count = 0;
    for await (const item of system.items?.(n) ?? []) {
      if (count === 0) first = performance.now() - start;
      if (item !== `item-${count}`) throw new Error(`item ${count} was ${item}`);
      count++;
    }
    if (count !== n) throw new Error(`${count} of ${n} items came`);
    return { first, total: performance.now() - start };
  };
  await run(Math.min(1_000, effort.items));
  const { first, total } = await run(effort.items);
  return [
    { metric: "stream_items_per_s", unit: "1/s", value: effort.items / (total / 1_000) },
    { metric: "stream_first_ms", unit: "ms", value: first },
  ];
}

/** Ten megabytes there and back. */
async function blob(system: System, effort: Effort): Promise<Figure[]> {
  if (system.blob === undefined) return [];
  const data = new Uint8Array(BLOB_BYTES);
  for (let i = 0; i < data.length; i += 997) data[i] = i & 255;
  const times: number[] = [];
  for (let i = 0; i <= effort.blobs; i++) {
    const start = performance.now();
    const back = await system.blob(data);
    const took = performance.now() - start;
    if (back.length !== data.length || back[997 * 5_000] !== data[997 * 5_000]) throw new Error("other bytes came back");
    if (i > 0) times.push(took);
  }
  times.sort((a, b) => a - b);
  return [{ metric: "echo_10mb_mb_per_s", unit: "MB/s", value: BLOB_BYTES / 1e6 / ((times[times.length >> 1] ?? Number.NaN) / 1_000) }];
}

/** Memory that no other process shares, in MB. Linux only. */
export function privateMb(pid: number | "self"): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
    let kb = 0;
    for (const [, amount] of text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)) kb += Number(amount);
    return kb / 1_024;
  } catch {
    return undefined;
  }
}

async function memory(system: System): Promise<Figure[]> {
  const worker = privateMb(await system.pid());
  return [
    { metric: "host_rss_mb", unit: "MB", value: process.memoryUsage().rss / 2 ** 20 },
    ...(worker === undefined ? [] : [{ metric: "worker_private_mb", unit: "MB", value: worker }]),
  ];
}

/** Every measurement, in an order that leaves the large ones for last. */
export async function measure(system: System, effort: Effort): Promise<Figure[]> {
  return [
    ...(await unary(system, effort)),
    ...(await atOnce(system, effort)),
    ...(await stream(system, effort)),
    ...(await memory(system)),
    ...(await blob(system, effort)),
  ];
}
