/** Chance that can be had again: the same seed gives the same numbers, on every runtime. */

/** A generator of pseudo-random numbers (mulberry32). Not for secrets. */
export class Random {
  #state: number;

  /** @param seed - A whole number; its lowest 32 bits count. */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A number from 0 up to, not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 up to, not including, `below`. */
  whole(below: number): number {
    return Math.floor(this.next() * below);
  }

  /** True this often, from 0 for never to 1 for always. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of several. */
  pick<T>(items: readonly [T, ...T[]]): T;
  pick<T>(items: readonly T[]): T | undefined;
  pick<T>(items: readonly T[]): T | undefined {
    return items[this.whole(items.length)];
  }

  /** A generator of its own, so that what is drawn there does not change what is drawn here. */
  fork(): Random {
    return new Random(this.whole(2 ** 32));
  }
}
