/**
 * How often, and how many at once. Buckets that fill with time, without timers.
 *
 * Libraries were weighed: rate-limiter-flexible counts in fixed windows, which let twice the rate through at their borders, with a promise and a timer for each
 * key; Effect's RateLimiter wants a fiber for each request and forgets no key. What is needed is these few lines, synchronous and bounded.
 */

/** Keys that are remembered. Whoever is forgotten begins with a full bucket. */
const MAX_KEYS = 10_000;

/** A rate, and how much of it may come at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** A token bucket for each key. */
export class Buckets {
  readonly #levels = new Map<string, { level: number; at: number }>();
  readonly #now: () => number;

  /** @param now Milliseconds of a clock. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Takes one. Answers 0, or after how many milliseconds there will be one. */
  take(key: string, rate: Rate): number {
    const waitMs = this.waitMs(key, rate);
    if (waitMs > 0) return waitMs;
    const bucket = this.#levels.get(key) ?? { level: rate.burst, at: this.#now() };
    bucket.level -= 1;
    // Last in the order of the map, so that the first is the one that was not used for longest.
    this.#levels.delete(key);
    this.#levels.set(key, bucket);
    if (this.#levels.size > MAX_KEYS) for (const oldest of this.#levels.keys()) return this.#forget(oldest);
    return 0;
  }

  /** The same without taking. */
  waitMs(key: string, rate: Rate): number {
    const bucket = this.#levels.get(key);
    if (bucket === undefined) return 0;
    const now = this.#now();
    bucket.level = Math.min(rate.burst, bucket.level + (Math.max(0, now - bucket.at) * rate.perSecond) / 1_000);
    bucket.at = now;
    return bucket.level >= 1 ? 0 : Math.ceil(((1 - bucket.level) * 1_000) / rate.perSecond);
  }

  #forget(key: string): 0 {
    this.#levels.delete(key);
    return 0;
  }
}

/** How many are under way for each key. */
export class Running {
  readonly #counts = new Map<string, number>();

  /** Whether there was room for one more, which is counted from now on. */
  begin(key: string, most: number): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= most) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  end(key: string): void {
    const count = (this.#counts.get(key) ?? 0) - 1;
    if (count > 0) this.#counts.set(key, count);
    else this.#counts.delete(key);
  }
}

/** What counts as one address: all of IPv4, the /64 network of IPv6, since one machine has a whole one. */
export function addressKey(address: string | undefined): string {
  if (address === undefined) return "unknown";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(":")) return address;
  const [plain = ""] = address.split("%");
  const [head = "", tail] = plain.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? 0 : tail.split(":").length;
    while (groups.length + after < 8) groups.push("0");
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
