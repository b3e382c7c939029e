/** A clock that stands still until it is told how much time passes. */
import type { PoolClock } from "./clock.ts";

interface Timer {
  at: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** Time that passes when it is told to. Chance is always one half. */
export class TestingClock implements PoolClock {
  #now = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  after(ms: number, run: () => void): () => void {
    return this.#set({ at: this.#now + ms, everyMs: undefined, run });
  }

  every(ms: number, run: () => void): () => void {
    return this.#set({ at: this.#now + ms, everyMs: ms, run });
  }

  /** Lets so many milliseconds pass, and runs what is due by then, in its order. */
  pass(ms: number): void {
    const until = this.#now + ms;
    for (let timer = this.#next(until); timer !== undefined; timer = this.#next(until)) {
      this.#now = timer.at;
      if (timer.everyMs === undefined) this.#timers.delete(timer);
      else timer.at += timer.everyMs;
      timer.run();
    }
    this.#now = until;
  }

  #set(timer: Timer): () => void {
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= until && (next === undefined || timer.at < next.at)) next = timer;
    return next;
  }
}
