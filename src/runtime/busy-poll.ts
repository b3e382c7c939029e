/**
 * Looking for an answer for a moment before the event loop sleeps.
 *
 * To wake a process that sleeps takes longer than a short call, and costs both sides more processor time than looking does. So after something was
 * sent the loop goes round without sleeping until the answer is there, for about as long as sleeping and being woken would take. Whatever else the
 * program waits for is served meanwhile as ever. Looks in vain become rare: the next one, three, seven, … are left out, up to sixty-three. So nothing
 * is spent on tools that take longer, nor where both processes have one processor between them.
 */

const LONGEST_MS = 0.05;
const MOST_MISSES = 6;

/** Looks for the answers that come over one connection. */
export class BusyPoll {
  private until = 0;
  private isLooking = false;
  /** Whether the event loop will come by, which outlasts a look that has found something. */
  private isScheduled = false;
  private misses = 0;
  private leftOut = 0;

  /** Something was sent that will be answered. */
  sent(): void {
    if (this.isLooking) return;
    if (this.leftOut > 0) {
      this.leftOut--;
      return;
    }
    this.isLooking = true;
    this.until = performance.now() + LONGEST_MS;
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.look);
  }

  /** Something came. */
  came(): void {
    if (!this.isLooking) return;
    this.isLooking = false;
    this.misses = 0;
  }

  private readonly look = (): void => {
    if (this.isLooking && performance.now() < this.until) {
      setImmediate(this.look);
      return;
    }
    this.isScheduled = false;
    if (!this.isLooking) return;
    this.isLooking = false;
    this.misses = Math.min(this.misses + 1, MOST_MISSES);
    this.leftOut = 2 ** this.misses - 1;
  };
}
