/** What is told of one call. Made only when somebody listens as it begins. */
import type { SnakepitError } from "../errors/index.ts";
import type { CallOutcome } from "./event.ts";
import type { Telemetry } from "./telemetry.ts";

/** A call, as its story names it. */
export interface StoryOf {
  readonly tool: string;
  /** Empty outside a session. */
  readonly sessionId: string;
}

/** The story of one call. Times are those of the pool's clock, in milliseconds. */
export class CallStory {
  readonly #telemetry: Telemetry;
  readonly #of: Readonly<Record<"pool" | "tool" | "session", string>> & { readonly call: number };
  readonly #begun: number;
  /** Since when it waits for a worker. */
  #waits: number;
  #queuedMs = 0;
  #ranUs = 0;
  #worker = "";
  #attempts = 0;

  constructor(telemetry: Telemetry, pool: string, { tool, sessionId }: StoryOf, now: number) {
    this.#telemetry = telemetry;
    this.#of = { pool, tool, session: sessionId, call: telemetry.nextCall() };
    this.#begun = this.#waits = now;
  }

  /** Number of the call, which no other of this pit has. */
  get call(): number {
    return this.#of.call;
  }

  /** No worker is free for it. */
  queued(waiting: number): void {
    this.#telemetry.say({ type: "call.queued", ...this.#of, waiting });
  }

  /** It was sent. */
  started(worker: string, now: number): void {
    const queuedMs = now - this.#waits;
    this.#queuedMs += queuedMs;
    this.#worker = worker;
    this.#telemetry.say({ type: "call.started", ...this.#of, worker, attempt: ++this.#attempts, queuedMs });
  }

  /** It will be sent again. */
  retried(error: SnakepitError, delayMs: number, now: number): void {
    this.#waits = now + delayMs;
    this.#telemetry.say({ type: "call.retried", ...this.#of, error, delayMs });
  }

  /** Its tool has answered. */
  ran(ranUs: number): void {
    this.#ranUs = ranUs;
  }

  /** It is over. */
  finished(error: SnakepitError | undefined, now: number): void {
    this.#telemetry.say({
      type: "call.finished",
      ...this.#of,
      outcome: outcomeOf(error),
      error,
      worker: this.#worker,
      attempts: this.#attempts,
      durationMs: now - this.#begun,
      queuedMs: this.#attempts === 0 ? now - this.#begun : this.#queuedMs,
      ranUs: this.#ranUs,
    });
  }
}

/** How a call ended that ended with this error. */
export function outcomeOf(error: SnakepitError | undefined): CallOutcome {
  if (error === undefined) return "succeeded";
  if (error._tag === "Cancelled") return "cancelled";
  return error._tag === "CallTimeout" || error._tag === "QueueTimeout" ? "timedOut" : "failed";
}
