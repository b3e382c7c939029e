/**
 * Which connections of a server do nothing. One that has not begun a request in time is closed: otherwise a few callers that send a byte now and then would hold
 * all there are. Counted here and not by `node:http`, which knows nothing of HTTP/2 and keeps no time on Deno.
 */

/** How long connections may do nothing. */
export interface IdleLimits {
  /** From the connection to the end of its first request's head. */
  readonly headersTimeoutMs: number;
  /** From the end of an answer to the end of the next request's head. */
  readonly idleTimeoutMs: number;
}

interface Entry {
  readonly close: () => void;
  readonly destroy: () => void;
  running: number;
  begun: boolean;
  since: number;
}

const LOOK_MS = 500;

/** The connections of one server. */
export class Connections {
  readonly #entries = new Map<object, Entry>();
  readonly #limits: IdleLimits;
  readonly #timer: NodeJS.Timeout;
  #closing = false;

  constructor(limits: IdleLimits) {
    this.#limits = limits;
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_MS);
  }

  /** A connection is there. `close` lets what was written go out, `destroy` does not. */
  add(connection: object, close: () => void, destroy: () => void): void {
    this.#entries.set(connection, { close, destroy, running: 0, begun: false, since: performance.now() });
    if (this.#closing) close();
  }

  /** It is gone, or belongs to another server now. */
  delete(connection: object): void {
    this.#entries.delete(connection);
  }

  /** A request has begun on it. */
  begin(connection: object | null | undefined): void {
    const entry = connection == null ? undefined : this.#entries.get(connection);
    if (entry === undefined) return;
    entry.running++;
    entry.begun = true;
  }

  /** Its answer has ended. */
  end(connection: object | null | undefined): void {
    const entry = connection == null ? undefined : this.#entries.get(connection);
    if (entry === undefined || --entry.running > 0) return;
    entry.since = performance.now();
    if (this.#closing) entry.close();
  }

  /** Closes those on which nothing runs now, and the others when nothing runs any more. */
  close(): void {
    this.#closing = true;
    for (const entry of this.#entries.values()) if (entry.running === 0) entry.close();
  }

  /** Ends them all. */
  destroy(): void {
    for (const entry of this.#entries.values()) entry.destroy();
  }

  /** Nothing is counted any more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #look(now: number): void {
    const { headersTimeoutMs, idleTimeoutMs } = this.#limits;
    for (const { running, begun, since, destroy } of this.#entries.values()) {
      if (running === 0 && now - since > (begun ? idleTimeoutMs : headersTimeoutMs)) destroy();
    }
  }
}
