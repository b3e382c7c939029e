/**
 * Time that passes only when it is told to, for everything in this process: timers, `performance.now`, `Date.now`, and with them Effect's clock. Chance too
 * comes from a seed. So code that asks the runtime for either plays the same history again.
 *
 * The globals are replaced and not only a clock handed to the pool, because workers and Effect ask the runtime too, and all of them have to agree.
 */
import type { Random } from "../random.ts";

interface Timer {
  at: number;
  readonly order: number;
  readonly everyMs: number | undefined;
  readonly run: () => void;
}

/** Turns of the real event loop after each step. An effect takes one for each step it makes; what takes more goes on in the next step, the same each time. */
const TURNS = 4;
const MOST_TIMERS = 100_000;

const { setImmediate: realTurn } = globalThis;

/** Runs `play` in a time of its own, which starts at 0, and puts everything back afterwards. Not two at once. */
export async function inVirtualTime<A>(random: Random, play: (time: VirtualTime) => Promise<A>): Promise<A> {
  const time = new VirtualTime();
  const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
  const now = performance.now;
  const dateNow = Date.now;
  const chance = Math.random;
  const clear = (handle: unknown): void => time.clear(handle);
  Object.assign(globalThis, {
    setTimeout: (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => time.set(() => run(...args), ms ?? 0, false),
    setInterval: (run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => time.set(() => run(...args), ms ?? 0, true),
    clearTimeout: clear,
    clearInterval: clear,
  });
  performance.now = () => time.now;
  Date.now = () => time.now;
  Math.random = () => random.next();
  try {
    return await play(time);
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, clearInterval });
    performance.now = now;
    Date.now = dateNow;
    Math.random = chance;
  }
}

/** The timers of one history. */
export class VirtualTime {
  /** Milliseconds since the start. */
  now = 0;
  readonly #timers = new Set<Timer>();
  #order = 0;

  /** Sets a timer. What it gives back stands for a runtime's own handle. */
  set(run: () => void, ms: number, again: boolean): object {
    const wait = Math.max(1, ms);
    const timer: Timer = { at: this.now + wait, order: this.#order++, everyMs: again ? wait : undefined, run };
    this.#timers.add(timer);
    if (this.#timers.size > MOST_TIMERS) throw new Error("too many timers");
    return Object.assign(timer, { ref: () => timer, unref: () => timer, hasRef: () => true });
  }

  /** Takes a timer back. */
  clear(handle: unknown): void {
    // Only what `set` gave is in there.
    this.#timers.delete(handle as Timer);
  }

  /** Lets time pass until `isOver`, or until this moment. False when the moment came first. */
  async pass(until: number, isOver: () => boolean = () => false): Promise<boolean> {
    for (;;) {
      for (let n = 0; n < TURNS; n++) await new Promise<void>((resolve) => realTurn(resolve));
      if (isOver()) return true;
      const next = this.#next();
      if (next === undefined || next.at > until) {
        this.now = Math.max(this.now, until);
        return false;
      }
      this.now = next.at;
      if (next.everyMs === undefined) this.#timers.delete(next);
      else next.at += next.everyMs;
      next.run();
    }
  }

  #next(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (first === undefined || timer.at < first.at || (timer.at === first.at && timer.order < first.order)) first = timer;
    }
    return first;
  }
}
