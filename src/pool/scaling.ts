/**
 * How many workers a pool is to have: more while calls wait and every worker is busy, fewer when some have had nothing to do for long. Pure, so that what
 * it decides can be tested for any load.
 */

/** Between how many workers a pool stands, and when it changes. */
export interface Scaling {
  /** Fewest workers. With 0 the first call waits until one has started. */
  readonly min: number;
  /** Most workers. */
  readonly max: number;
  /** Workers that are kept free beyond those that are busy, as far as `max` allows. */
  readonly spare: number;
  /** How long a worker has nothing to do before it may end, in milliseconds. */
  readonly idleMs: number;
}

/** How a pool stands at one moment. */
export interface Load {
  /** Workers that take calls. */
  readonly ready: number;
  /** Workers that are being started, those that rest after a failed start included. */
  readonly starting: number;
  /** Of those that take calls, how many have one. */
  readonly busy: number;
  /** Of the others, how many have had none for longer than `idleMs`. */
  readonly lapsed: number;
  /** Calls that wait for a worker. */
  readonly queued: number;
}

/**
 * By how many workers the pool has to change: that many are started, or one is let go.
 *
 * Calls in the queue ask for one worker each, but no more are started together than are there already, so that a burst doubles the pool step by step and
 * not for every call that a worker would have taken a moment later. Calls that wait while a worker is free wait for a certain one, and are not counted.
 */
export function change(scaling: Scaling, { ready, starting, busy, lapsed, queued }: Load): number {
  const { min, max, spare } = scaling;
  const size = ready + starting;
  const waits = queued > 0 && busy === ready;
  const wanted = waits ? ready + Math.min(queued, Math.max(1, ready)) : busy + spare;
  const missing = Math.max(min, Math.min(wanted, max)) - size;
  if (missing > 0) return missing;
  const excess = Math.min(lapsed, size - Math.max(min, busy + spare));
  return queued === 0 && excess > 0 ? -1 : 0;
}
