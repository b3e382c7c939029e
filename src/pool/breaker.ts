/**
 * The circuit breaker of a pool. Calls go on until too many of them have cost a worker or run out of time; then none is let through for a while; then one
 * at a time, until one shows that the pool works again.
 *
 * What a tool raises is an answer, and so no failure. A machine of states without time or timers of its own: it is told the time.
 */

/** How a breaker stands: it lets calls through, none, or one at a time. */
export type BreakerState = "closed" | "open" | "half-open";

/** When a breaker opens, and for how long. */
export interface BreakerSettings {
  /** Failures that open it. */
  readonly failures: number;
  /** Within how long they count, in milliseconds. */
  readonly withinMs: number;
  /** How long it lets no call through, in milliseconds. */
  readonly openMs: number;
}

/** A breaker for calls of any kind. */
export class Breaker<T> {
  readonly #settings: BreakerSettings;
  /** When the failures that count were, oldest first. */
  #failures: number[] = [];
  /** Until when it lets no call through; undefined while it is closed. */
  #openUntil: number | undefined;
  /** The one call that was let through since. */
  #probe: T | undefined;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  /** How it stands. */
  state(now: number): BreakerState {
    if (this.#openUntil === undefined) return "closed";
    return now < this.#openUntil ? "open" : "half-open";
  }

  /** Asks to let a call through. 0 when it may go, else the milliseconds after which asking again makes sense. Half open, the call becomes the probe. */
  admit(call: T, now: number): number {
    if (this.#openUntil === undefined) return 0;
    if (now < this.#openUntil) return this.#openUntil - now;
    if (this.#probe !== undefined) return this.#settings.openMs;
    this.#probe = call;
    return 0;
  }

  /** A worker has died with these calls, or this one has run out of time. True when the breaker opens by that. */
  failed(calls: readonly T[], now: number): boolean {
    const { failures, withinMs, openMs } = this.#settings;
    if (this.#openUntil === undefined) {
      this.#failures = this.#failures.filter((at) => now - at < withinMs);
      this.#failures.push(now);
      if (this.#failures.length < failures) return false;
    } else if (this.#probe === undefined || !calls.includes(this.#probe)) {
      // It was let through before, and says nothing new.
      return false;
    }
    this.#failures = [];
    this.#probe = undefined;
    this.#openUntil = now + openMs;
    return true;
  }

  /** A call was answered. The probe's answer closes the breaker. */
  answered(call: T): void {
    if (this.#probe !== call || this.#openUntil === undefined) return;
    this.#probe = undefined;
    this.#openUntil = undefined;
  }

  /** A call is over, however. A probe that was neither answered nor failed makes room for the next. */
  ended(call: T): void {
    if (this.#probe === call) this.#probe = undefined;
  }
}
