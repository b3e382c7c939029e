/**
 * Watches over cancelled calls until their code has ended, because a cancelled call says nothing more.
 *
 * Until then a synchronous one holds its thread, so that no other call is sent behind it. The worker is asked how many cancelled calls still run; when
 * one goes on past the grace period, or the worker cannot answer for that long, it is given up. A worker that does not answer at once may be in C code
 * that holds Python's global lock: a signal lets it hear of the cancel.
 */
import type { Worker } from "../worker/worker.ts";
import type { PoolClock } from "./clock.ts";

/** Without an answer for so long, in milliseconds, the worker gets a signal. */
const SIGNAL_AFTER_MS = 20;
/** First and longest wait between two questions, in milliseconds. */
const ASK_AGAIN_MS = { first: 1, longest: 50 } as const;

/** Who hears how it went. */
export interface CancelWatchEvents {
  /** Threads are free again. */
  onFree(): void;
  /** A cancelled call did not end within the grace period. */
  onIgnored(): void;
}

/** The cancelled calls of one worker. */
export class CancelWatch {
  readonly #worker: Pick<Worker, "client" | "interrupt">;
  readonly #graceMs: number;
  readonly #clock: PoolClock;
  readonly #events: CancelWatchEvents;
  /** When each was cancelled, oldest first. */
  #since: number[] = [];
  /** When the worker has named each of those that still run first, by their numbers. */
  #named = new Map<number, number>();
  #held = 0;
  #stopped = false;
  #watching = false;

  constructor(worker: Pick<Worker, "client" | "interrupt">, graceMs: number, clock: PoolClock, events: CancelWatchEvents) {
    this.#worker = worker;
    this.#graceMs = graceMs;
    this.#clock = clock;
    this.#events = events;
  }

  /** Threads that cancelled calls may still hold. */
  get held(): number {
    return this.#held;
  }

  /** Cancelled calls that may still run. */
  get pending(): number {
    return this.#since.length;
  }

  /** Takes a call that was just cancelled. `holds` is true when it holds a thread. */
  add(holds: boolean): void {
    if (this.#stopped) return;
    this.#since.push(this.#clock.now());
    if (holds) this.#held++;
    if (!this.#watching) void this.#watch();
  }

  /** Forgets everything: the worker is gone. */
  stop(): void {
    this.#stopped = true;
    this.#since = [];
    this.#held = 0;
  }

  async #watch(): Promise<void> {
    this.#watching = true;
    let waitMs: number = ASK_AGAIN_MS.first;
    // The frames of cancels of this turn leave before the question does.
    while (this.#since.length > 0) {
      const asked = this.#since.length;
      const running = await this.#ask();
      if (this.#stopped) return;
      if (running === 0 && this.#since.length === asked) this.#free(0);
      else {
        // Those cancelled while the answer was on its way are not in it. Of the others the newest are taken to be the ones that run.
        if (running !== undefined) this.#free(Math.min(running, asked) + this.#since.length - asked);
        if (this.#clock.now() - this.#oldest >= this.#graceMs) break;
        await this.#sleep(waitMs);
        waitMs = Math.min(waitMs * 2, ASK_AGAIN_MS.longest);
        if (this.#stopped) return;
      }
    }
    this.#watching = false;
    if (this.#since.length > 0) this.#events.onIgnored();
  }

  /** How many cancelled calls still run; undefined when the worker does not answer within what is left of the grace period. */
  async #ask(): Promise<number | undefined> {
    const leftMs = Math.max(1, (this.#since[0] ?? 0) + this.#graceMs - this.#clock.now());
    const stopSignals = this.#clock.every(SIGNAL_AFTER_MS, () => this.#worker.interrupt());
    try {
      const { cancelled, cancelledCalls } = await this.#worker.client.health({}, { timeoutMs: leftMs });
      const now = this.#clock.now();
      this.#named = new Map(cancelledCalls.map((call) => [call, this.#named.get(call) ?? now]));
      return cancelled;
    } catch {
      return undefined;
    } finally {
      stopSignals();
    }
  }

  /** Since when the one has been cancelled that ignores it for longest. Among calls that end soon it is known by its number. */
  get #oldest(): number {
    return Math.min(this.#since[0] ?? Number.POSITIVE_INFINITY, ...this.#named.values());
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(ms, resolve);
    });
  }

  #free(remaining: number): void {
    this.#since = remaining === 0 ? [] : this.#since.slice(-remaining);
    const held = Math.min(this.#held, this.#since.length);
    if (held === this.#held) return;
    this.#held = held;
    this.#events.onFree();
  }
}
