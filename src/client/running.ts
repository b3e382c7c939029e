/** How long a call may go on: until its time is up, until its signal aborts it, until its client closes. */
import { CallTimeout, Cancelled, isSnakepitError } from "../errors/index.ts";

/** What ends a call. */
export interface Bounds {
  readonly tool: string;
  /** Which limit `timeoutMs` is. */
  readonly limit: "call" | "stream";
  /** Longest time in milliseconds; Infinity for none. Default: as long as the gateway lets it run. */
  readonly timeoutMs?: number | undefined;
  /** The program's own signal. */
  readonly signal?: AbortSignal | undefined;
  /** What else ends it, each with its own reason. */
  readonly ends: readonly AbortSignal[];
}

/** What the gateway is told for a call without a limit, in milliseconds: as much as timers hold. */
const UNLIMITED_MS = 2 ** 31 - 1;

/** One call while it runs. */
export class Running {
  /** When it has to be over, as `performance.now()` tells time. */
  readonly deadline: number;
  readonly #bounds: Bounds;
  readonly #controller = new AbortController();
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(bounds: Bounds) {
    const { timeoutMs = Number.POSITIVE_INFINITY, signal, ends } = bounds;
    this.#bounds = bounds;
    this.deadline = performance.now() + timeoutMs;
    if (timeoutMs !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.#controller.abort(this.#late()), timeoutMs);
    signal?.addEventListener("abort", this.#cancel, { once: true });
    if (signal?.aborted === true) this.#cancel();
    for (const end of ends) {
      end.addEventListener("abort", this.#close, { once: true });
      if (end.aborted) this.#close();
    }
  }

  /** Aborted with what the call fails with. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What the gateway is told; undefined when it is to decide itself. */
  get timeLeftMs(): number | undefined {
    if (this.#bounds.timeoutMs === undefined) return undefined;
    return Math.min(this.deadline - performance.now(), UNLIMITED_MS);
  }

  /** It is over: nothing holds it any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#bounds.signal?.removeEventListener("abort", this.#cancel);
    for (const end of this.#bounds.ends) end.removeEventListener("abort", this.#close);
  }

  /** The same, and what it may still read is not wanted. */
  leave(): void {
    this.end();
    this.#controller.abort();
  }

  /** What the call fails with, for what an attempt has failed with. */
  failure(error: unknown): unknown {
    if (this.signal.aborted) return this.signal.reason;
    if (!isSnakepitError(error)) return error;
    if (this.#bounds.timeoutMs === undefined || error._tag !== "CallTimeout") return error;
    // The gateway knows what time was left, the program what it has allowed. Waiting for the first worker has a limit of its own.
    return "limit" in error && error.limit === "start" ? error : this.#late();
  }

  #late(): CallTimeout {
    const { tool, timeoutMs = 0, limit } = this.#bounds;
    return new CallTimeout({ tool, timeoutMs, limit });
  }

  readonly #cancel = (): void => {
    const { tool, signal } = this.#bounds;
    this.#controller.abort(new Cancelled({ tool }, { cause: signal?.reason }));
  };

  readonly #close = (): void => {
    const end = this.#bounds.ends.find(({ aborted }) => aborted);
    this.#controller.abort(end?.reason);
  };
}
