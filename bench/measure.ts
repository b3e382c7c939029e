/** The measurements, the same for every system. */
import { readFileSync } from "node:fs";
import { quantile } from "./statistics.ts";
import type { System } from "./systems/system.ts";

/** How much is done in one round. Whoever is slow does less: time bounds everything. */
export interface Effort {
  /** Calls one after the other, at most. */
  readonly calls: number;
  /** Longest time of each measurement, in seconds; warming up takes as long again at most, of single calls twice, of blobs half as long. */
  readonly seconds: number;
  /** Times that ten megabytes go there and back, at most. */
  readonly blobs: number;
}

/** One figure of one round. */
export interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
}

/** Why there is no figure, in words. */
export interface Missing {
  readonly metric: string;
  readonly why: string;
}

export type Finding = Figure | Missing;

const KILOBYTE = "x".repeat(1_024);
const LARGE = "x".repeat(65_536);
const AT_ONCE = 32;
const BLOB_BYTES = 10_000_000;
const STREAM_ITEMS = 10_000;
/** One that has not answered by then never will, in milliseconds on top of what a measurement may take. */
const PATIENCE_MS = 5_000;

/** A kilobyte there and back, one after the other. */
async function unary(system: System, { calls, seconds }: Effort): Promise<Figure[]> {
  // Compilers work beside the first calls, on the same core: those of Bun until about the 15,000th.
  const warmUntil = performance.now() + seconds * 2_000;
  for (let i = 0; i < calls * 2 && performance.now() < warmUntil; i++) {
    if ((await system.echo(KILOBYTE)) !== KILOBYTE) throw new Error("echo gave something else back");
  }
  const times: number[] = [];
  const until = performance.now() + seconds * 1_000;
  for (let start = performance.now(); times.length < calls && start < until; ) {
    await system.echo(KILOBYTE);
    const end = performance.now();
    times.push((end - start) * 1_000);
    start = end;
  }
  times.sort((a, b) => a - b);
  return [
    { metric: "unary_1k_p50_us", unit: "us", value: quantile(times, 0.5) },
    { metric: "unary_1k_p99_us", unit: "us", value: quantile(times, 0.99) },
  ];
}

/** Calls per second with 32 in flight at any time. */
export async function throughput(call: () => Promise<unknown>, seconds: number): Promise<number> {
  let done = 0;
  const start = performance.now();
  const until = start + seconds * 1_000;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      await call();
      done++;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, caller));
  return done / ((performance.now() - start) / 1_000);
}

async function atOnce(system: System, { seconds }: Effort, text: string, metric: string): Promise<Figure[]> {
  await throughput(() => system.echo(text), seconds / 4);
  return [{ metric, unit: "1/s", value: await throughput(() => system.echo(text), seconds) }];
}

/** Many small items, several times over. */
async function stream(items: (n: number) => AsyncIterable<string>, { seconds }: Effort): Promise<Figure[]> {
  const totals: number[] = [];
  const firsts: number[] = [];
  const read = async (n: number): Promise<{ first: number; total: number }> => {
    const start = performance.now();
    let first = 0;
    let count = 0;
    for await (const item of items(n)) {
      if (count === 0) first = performance.now() - start;
      if (item !== `item-${count}`) throw new Error(`item ${count} was ${item}`);
      count++;
    }
    if (count !== n) throw new Error(`${count} of ${n} items came`);
    return { first, total: performance.now() - start };
  };
  await read(STREAM_ITEMS / 10);
  const until = performance.now() + seconds * 1_000;
  do {
    const { first, total } = await read(STREAM_ITEMS);
    firsts.push(first);
    totals.push(total);
  } while (performance.now() < until);
  return [
    { metric: "stream_items_per_s", unit: "1/s", value: STREAM_ITEMS / (quantile(totals, 0.5) / 1_000) },
    { metric: "stream_first_ms", unit: "ms", value: quantile(firsts, 0.5) },
  ];
}

/** Ten megabytes there and back. */
async function tenMegabytes(blob: (data: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>, { blobs, seconds }: Effort): Promise<Figure[]> {
  const data = new Uint8Array(BLOB_BYTES);
  for (let i = 0; i < data.length; i += 997) data[i] = i & 255;
  /** Milliseconds of each, one after the other, within so many milliseconds. */
  const send = async (most: number, ms: number): Promise<number[]> => {
    const times: number[] = [];
    const until = performance.now() + ms;
    do {
      const start = performance.now();
      const back = await blob(data);
      times.push(performance.now() - start);
      if (back.length !== data.length || back[997 * 5_000] !== data[997 * 5_000]) throw new Error("other bytes came back");
    } while (times.length < most && performance.now() < until);
    return times;
  };
  await send(blobs, seconds * 500);
  const times = await send(blobs, seconds * 1_000);
  return [{ metric: "echo_10mb_mb_per_s", unit: "MB/s", value: BLOB_BYTES / 1e6 / (quantile(times, 0.5) / 1_000) }];
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
  const worker = system.pid === undefined ? undefined : privateMb(system.pid);
  return [
    { metric: "host_rss_mb", unit: "MB", value: process.memoryUsage().rss / 2 ** 20 },
    ...(worker === undefined ? [] : [{ metric: "worker_private_mb", unit: "MB", value: worker }]),
  ];
}

const within = <T>(promise: Promise<T>, ms: number): Promise<T> => {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`it did not answer within ${ms / 1_000} s`)), ms);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/**
 * Every measurement, in an order that leaves the large ones for last. What fails, or is not there, says why; metrics in `skip` have said so before and are
 * not tried again.
 */
export async function measure(system: System, effort: Effort, skip: readonly string[]): Promise<Finding[]> {
  const { items, blob } = system;
  const measurements: readonly (readonly [metrics: readonly string[], run: (() => Promise<Figure[]>) | string])[] = [
    [["unary_1k_p50_us", "unary_1k_p99_us"], () => unary(system, effort)],
    [["calls_per_s_32"], () => atOnce(system, effort, KILOBYTE, "calls_per_s_32")],
    [["stream_items_per_s", "stream_first_ms"], typeof items === "string" ? items : () => stream(items, effort)],
    [["host_rss_mb", "worker_private_mb"], () => memory(system)],
    [["unary_64k_calls_per_s"], () => atOnce(system, effort, LARGE, "unary_64k_calls_per_s")],
    [["echo_10mb_mb_per_s"], typeof blob === "string" ? blob : () => tenMegabytes(blob, effort)],
  ];
  const findings: Finding[] = [];
  for (const [metrics, run] of measurements) {
    if (metrics.every((metric) => skip.includes(metric))) continue;
    try {
      if (typeof run === "string") findings.push(...metrics.map((metric) => ({ metric, why: run })));
      else findings.push(...(await within(run(), effort.seconds * 2_000 + PATIENCE_MS)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      findings.push(...metrics.map((metric) => ({ metric, why })));
    }
  }
  return findings;
}
