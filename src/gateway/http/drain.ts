/** The end of a gateway: what runs may end, nothing new begins, and after a time what is left is ended. */
import { Code, ConnectError, type ContextKey, createContextKey } from "@connectrpc/connect";

/**
 * Where the handlers of a request find whether the gateway is closing. A stream that goes on for as long as its reader stays ends when this is aborted; whatever
 * ends by itself need not look.
 */
export const closingKey: ContextKey<AbortSignal> = createContextKey(new AbortController().signal, { description: "snakepit/closing" });

/** What is answered while the gateway closes. */
export const closingError = (): ConnectError => new ConnectError("the gateway is closing", Code.Unavailable);

/** Counts what runs. */
export class Drain {
  readonly #closing = new AbortController();
  readonly #expired = new AbortController();
  #running = 0;
  #idle: (() => void) | undefined;

  /** Aborted when the gateway begins to close. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Aborted when the time of what runs is over. */
  get expired(): AbortSignal {
    return this.#expired.signal;
  }

  begin(): void {
    this.#running++;
  }

  end(): void {
    if (--this.#running === 0) this.#idle?.();
  }

  /** Lets nothing new begin. Resolves when nothing runs any more; after the time, whatever is left has been told to end. */
  async drain(timeoutMs: number): Promise<void> {
    this.#closing.abort();
    if (this.#running === 0) return;
    const timer = setTimeout(() => {
      this.#expired.abort(closingError());
      this.#idle?.();
    }, timeoutMs);
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
    clearTimeout(timer);
  }
}
