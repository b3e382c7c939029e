/**
 * How long the runs of one tool take, from what workers report.
 *
 * Calls of a quick tool may be sent ahead of the worker, so that it never waits for the next one; calls of any other may not, because one behind a
 * slow one would wait while another worker idles. A tool nobody has called yet is not quick.
 */

/** Runs shorter than this, in microseconds, are quick. */
const QUICK_US = 1_000;

/** What a new run weighs in the average, and the most that it counts as: one hiccup of the machine does not make a quick tool slow, a few slow runs do. */
const WEIGHT = 1 / 8;
const LONGEST_US = 4 * QUICK_US;

/** A moving average of run times. */
export class Pace {
  #averageUs = -1;

  /** Whether runs of the tool are known to be quick. */
  get quick(): boolean {
    return this.#averageUs >= 0 && this.#averageUs < QUICK_US;
  }

  /** The average of what they count as, in microseconds; -1 before the first run. */
  get averageUs(): number {
    return this.#averageUs;
  }

  /** Counts a run. */
  add(ranUs: number): void {
    const counted = Math.min(ranUs, LONGEST_US);
    this.#averageUs = this.#averageUs < 0 ? counted : this.#averageUs + (counted - this.#averageUs) * WEIGHT;
  }
}
