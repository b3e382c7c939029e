/** How long calls took of late. Kept only while somebody asks, since it makes every call tell its story. */
import type { PitEvent } from "../telemetry/event.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";

/** Durations of the calls that ended within the last ten seconds. */
export interface Latency {
  /** Calls that ended a second. */
  readonly callsPerSecond: number;
  /** Half of them took no longer, in milliseconds; 0 when there were none. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
}

/** Seconds that are kept. */
const SECONDS = 10;
/** How long calls go on telling after somebody has asked last, in milliseconds: longer than anybody waits between two questions. */
const LISTEN_MS = 15_000;
/** Durations are counted by size, 16 sizes to each doubling from a microsecond on: what is said is at most 4 % beside what was. */
const PER_DOUBLING = 16;
const SIZES = 40 * PER_DOUBLING;

/** The calls that ended in one second. */
interface Second {
  second: number;
  count: number;
  readonly sizes: Uint32Array;
}

/** The durations of one pool. */
class Durations {
  readonly #seconds: Second[] = Array.from({ length: SECONDS }, () => ({ second: -1, count: 0, sizes: new Uint32Array(SIZES) }));

  add(durationMs: number, second: number): void {
    const its = this.#at(second);
    its.count++;
    const size = Math.min(Math.max(Math.round(Math.log2(durationMs * 1000) * PER_DOUBLING), 0), SIZES - 1);
    its.sizes[size] = (its.sizes[size] ?? 0) + 1;
  }

  /** @param since - When it was begun to count, in seconds. */
  latency(now: number, since: number): Latency {
    const sum = new Uint32Array(SIZES);
    let count = 0;
    for (const { second, count: its, sizes } of this.#seconds) {
      if (second <= now - SECONDS) continue;
      count += its;
      for (let size = 0; size < SIZES; size++) sum[size] = (sum[size] ?? 0) + (sizes[size] ?? 0);
    }
    const over = Math.max(1, Math.min(SECONDS, now - since));
    return {
      callsPerSecond: count / over,
      p50Ms: quantile(sum, count, 0.5),
      p95Ms: quantile(sum, count, 0.95),
      p99Ms: quantile(sum, count, 0.99),
    };
  }

  #at(second: number): Second {
    const its = this.#seconds[second % SECONDS]!;
    if (its.second !== second) {
      its.second = second;
      its.count = 0;
      its.sizes.fill(0);
    }
    return its;
  }
}

function quantile(sizes: Uint32Array, count: number, share: number): number {
  if (count === 0) return 0;
  let left = Math.ceil(count * share);
  const size = sizes.findIndex((its) => {
    left -= its;
    return left <= 0;
  });
  return 2 ** (size / PER_DOUBLING) / 1000;
}

/** The durations of every pool of a pit. */
export class Latencies {
  readonly #telemetry: Telemetry;
  readonly #pools = new Map<string, Durations>();
  #forget: (() => void) | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When it was begun to listen, in seconds. */
  #since = 0;
  /** How many want it to go on, however seldom they ask. */
  #kept = 0;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /** The latency of a pool. The first answer after a while knows nothing yet. */
  of(pool: string): Latency {
    const now = Date.now() / 1000;
    this.#listen(now);
    return (this.#pools.get(pool) ?? new Durations()).latency(Math.floor(now), this.#since);
  }

  /** Goes on listening until the function that is returned is called, however long nobody asks. */
  keep(): () => void {
    this.#kept++;
    this.#listen(Date.now() / 1000);
    return () => {
      this.#kept--;
    };
  }

  /** Ends listening. */
  close(): void {
    clearTimeout(this.#timer);
    this.#forget?.();
    this.#forget = undefined;
    this.#pools.clear();
  }

  #listen(now: number): void {
    if (this.#forget === undefined) {
      this.#since = now;
      this.#forget = this.#telemetry.listen((event) => this.#take(event));
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.#kept > 0 ? this.#listen(now) : this.close()), LISTEN_MS);
    // Nobody's program stays open for it.
    this.#timer.unref();
  }

  #take(event: PitEvent): void {
    if (event.type !== "call.finished") return;
    let durations = this.#pools.get(event.pool);
    if (durations === undefined) {
      durations = new Durations();
      this.#pools.set(event.pool, durations);
    }
    durations.add(event.durationMs, Math.floor(event.time / 1000));
  }
}
