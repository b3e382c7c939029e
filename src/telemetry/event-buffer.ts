/** Events that wait for whoever reads them at its own pace. */
import type { DroppedEvent, PitEvent } from "./event.ts";

/** Events that are kept for a slow reader; then the oldest go. */
export const KEPT_EVENTS = 4_096;

const end: IteratorResult<never> = { value: undefined, done: true };

/** Events one after the other. A reader that is too slow loses the oldest, and is told how many by an event of type "dropped" in their place. */
export class EventBuffer<Event extends { readonly time: number } = PitEvent> implements AsyncIterableIterator<Event | DroppedEvent> {
  readonly #onReturn: () => void;
  #kept: Event[] = [];
  /** Where the oldest stands. */
  #at = 0;
  #dropped = 0;
  #ended = false;
  readonly #waiting: ((result: IteratorResult<Event | DroppedEvent>) => void)[] = [];

  /** @param onReturn - Called when the reader wants no more. */
  constructor(onReturn: () => void = () => {}) {
    this.#onReturn = onReturn;
  }

  /** Takes an event in. */
  add(event: Event): void {
    if (this.#ended) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting({ value: event, done: false });
      return;
    }
    this.#kept.push(event);
    if (this.#kept.length - this.#at <= KEPT_EVENTS) return;
    this.#at++;
    this.#dropped++;
    this.#compact();
  }

  /** No more events come. Those that are kept are still given. */
  end(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.splice(0)) waiting(end);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<Event | DroppedEvent>> {
    const first = this.#kept[this.#at];
    if (first !== undefined) {
      if (this.#dropped > 0) {
        const count = this.#dropped;
        this.#dropped = 0;
        return Promise.resolve({ value: { type: "dropped", time: first.time, count }, done: false });
      }
      this.#at++;
      this.#compact();
      return Promise.resolve({ value: first, done: false });
    }
    if (this.#ended) return Promise.resolve(end);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  return(): Promise<IteratorResult<Event | DroppedEvent>> {
    this.#kept = [];
    this.#at = this.#dropped = 0;
    this.end();
    this.#onReturn();
    return Promise.resolve(end);
  }

  /** Forgets what was taken, seldom enough that an event costs the same whatever waits. */
  #compact(): void {
    if (this.#at < KEPT_EVENTS && this.#at < this.#kept.length) return;
    this.#kept = this.#kept.slice(this.#at);
    this.#at = 0;
  }
}
