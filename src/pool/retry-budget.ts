/** How much of its work a pool may do again, so that one that is sick is not loaded with its own retries. */

/** A bucket of tokens, of which each retry takes one. */
export interface RetryBudgetSettings {
  /** Tokens that each new call puts in. */
  readonly ratio: number;
  /** Tokens that each second puts in. */
  readonly perSecond: number;
  /** Most tokens there are, and as many as there are at first. */
  readonly burst: number;
}

/** The budget of one pool. */
export class RetryBudget {
  readonly #settings: RetryBudgetSettings;
  #tokens: number;
  /** Calls, and the time, that have put in what is there. */
  #calls = 0;
  #at: number;

  constructor(settings: RetryBudgetSettings, now: number) {
    this.#settings = settings;
    this.#tokens = settings.burst;
    this.#at = now;
  }

  /** Takes a token. False when there is none. `calls` is how many calls there were so far: they are counted where retries are rare, not on their own way. */
  take(now: number, calls: number): boolean {
    const { ratio, perSecond, burst } = this.#settings;
    const income = (calls - this.#calls) * ratio + ((now - this.#at) / 1_000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + income);
    this.#calls = calls;
    this.#at = now;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }
}
