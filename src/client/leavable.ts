/** An async iterator that can be left while somebody waits for its next item, which a generator alone cannot. */

const end: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Items that are begun when the first is asked for. Leaving a `for await` over it, or calling `return`, aborts the signal they were begun with. */
export class Leavable<T> implements AsyncIterableIterator<T, undefined> {
  readonly #begin: (left: AbortSignal) => AsyncGenerator<T, void>;
  readonly #leaving = new AbortController();
  #items: AsyncGenerator<T, void> | undefined;

  constructor(begin: (left: AbortSignal) => AsyncGenerator<T, void>) {
    this.#begin = begin;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    const { signal } = this.#leaving;
    if (signal.aborted) return end;
    this.#items ??= this.#begin(signal);
    try {
      // Several may be asked for at once: a generator gives them in order.
      const { done, value } = await this.#items.next();
      // One who has left gets nothing, not what was on its way.
      return done === true || signal.aborted ? end : { done: false, value };
    } catch (error) {
      // One who has left does not want to hear of what this caused.
      if (signal.aborted) return end;
      throw error;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#leaving.abort();
    // Not waited for: it ends with what it waits for.
    void this.#items?.return().catch(() => {});
    return end;
  }
}
