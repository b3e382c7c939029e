/**
 * One timer for the deadlines of all calls: when something may be due, which is asked every 10 ms, each live call is looked at. A timer a call costs several
 * times as much, and a timer wheel is no quicker than this scan at the numbers of calls that a pool has at once.
 */
import type { PoolClock } from "./clock.ts";
import { constants } from "./defaults.ts";

/** A call as the scan sees it. */
export interface Scanned {
  /** Where it stands in the scan; the scan's own. */
  scanIndex: number;
  /** When it is to be looked at, as the clock has it. When that becomes earlier the scan has to hear of it, by {@link DeadlineScan.by}. */
  readonly due: number;
}

/** The live calls of a pool. */
export class DeadlineScan<T extends Scanned> {
  readonly #items: T[] = [];
  readonly #look: (item: T, now: number) => void;
  readonly #clock: PoolClock;
  #stop: (() => void) | undefined;
  /** Nothing is due before. */
  #next = Number.POSITIVE_INFINITY;

  /** `look` is called for each item that is due with the time, as the clock has it. It may remove the item. */
  constructor(clock: PoolClock, look: (item: T, now: number) => void) {
    this.#clock = clock;
    this.#look = look;
  }

  /** How many there are. */
  get size(): number {
    return this.#items.length;
  }

  /** All of them, at this moment. */
  all(): T[] {
    return this.#items.slice();
  }

  /** Adds a call. */
  add(item: T): void {
    item.scanIndex = this.#items.push(item) - 1;
    this.by(item.due);
    this.#stop ??= this.#clock.every(constants.scanMs, () => this.#scan());
  }

  /** Something is due at this time. */
  by(time: number): void {
    if (time < this.#next) this.#next = time;
  }

  /** Removes a call; does nothing when it is not here. */
  remove(item: T): void {
    const at = item.scanIndex;
    if (at < 0) return;
    const last = this.#items.pop()!;
    if (last !== item) {
      this.#items[at] = last;
      last.scanIndex = at;
    }
    item.scanIndex = -1;
  }

  /** Ends the timer at once, instead of at the first scan that finds nothing. */
  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #scan(): void {
    if (this.#items.length === 0) {
      this.stop();
      return;
    }
    const now = this.#clock.now();
    if (now < this.#next) return;
    this.#next = Number.POSITIVE_INFINITY;
    // From the end, so that one that removes itself does not hide another.
    for (let i = this.#items.length - 1; i >= 0; i--) {
      const item = this.#items[i];
      if (item === undefined) continue;
      if (item.due <= now) this.#look(item, now);
      if (item.scanIndex >= 0) this.by(item.due);
    }
  }
}
