/** Who listens to which session of a store. */
import type { StoreEvent, StoreListener } from "./store.ts";

/** Listeners by the serial of their session. */
export class Listeners {
  readonly #bySession = new Map<number, Set<StoreListener>>();

  /** Adds a listener. The returned function takes it away. */
  add(session: number, listener: StoreListener): () => void {
    const listeners = this.#bySession.get(session) ?? new Set();
    this.#bySession.set(session, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#bySession.get(session) === listeners) this.#bySession.delete(session);
    };
  }

  /** Whether anybody listens to this session. */
  has(session: number): boolean {
    return this.#bySession.has(session);
  }

  /** Tells the listeners of a session, one event after the other. */
  tell(session: number, events: readonly StoreEvent[]): void {
    const listeners = this.#bySession.get(session);
    if (listeners === undefined) return;
    for (const event of events) for (const listener of listeners) listener(event);
  }
}
