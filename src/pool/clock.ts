/** Where a pool takes its time and its chance from, so that a simulation can give it others. */

/** Time, timers and chance. */
export interface PoolClock {
  /** The time in milliseconds, from any beginning. It never goes back. */
  now(): number;
  /** A number from 0 up to 1, without 1. */
  random(): number;
  /** Runs `run` once after so many milliseconds. Gives what takes that back; calling it later does nothing. */
  after(ms: number, run: () => void): () => void;
  /** Runs `run` again and again, so many milliseconds apart, until what it gives is called. */
  every(ms: number, run: () => void): () => void;
}

/** The time and the chance of the runtime. What a program has put in the place of its timers counts. */
export const realClock: PoolClock = {
  now: () => performance.now(),
  random: () => Math.random(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
};
