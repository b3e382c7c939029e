/** The calls of a pool that wait or run, for whoever looks after it. Calls pay nothing for it: they get their names when somebody asks. */
import type { CarriedCall } from "../tool/call.ts";
import { PoolCall } from "./call.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { Hedge } from "./hedge.ts";

/** A call that waits or runs. */
export interface CallInfo {
  /** To cancel it by: the number that its events have. */
  readonly id: string;
  readonly pool: string;
  readonly tool: string;
  /** Empty outside a session. */
  readonly session: string;
  /** Id of the worker where it runs; empty while it waits. */
  readonly worker: string;
  /** Milliseconds since it was made; of a call without a time limit, since somebody asked first. */
  readonly ageMs: number;
}

/** A call that somebody has seen. */
interface Seen {
  readonly number: number;
  readonly at: number;
}

/** Lists and cancels the calls of a dispatcher. */
export class LiveCalls {
  readonly #dispatcher: Dispatcher;
  readonly #seen = new WeakMap<PoolCall, Seen>();

  constructor(dispatcher: Dispatcher) {
    this.#dispatcher = dispatcher;
  }

  /** All of them, the oldest first. */
  list(): CallInfo[] {
    const now = this.#dispatcher.clock.now();
    return this.#dispatcher.calls.map((call) => this.#info(call, now)).toSorted((one, other) => other.ageMs - one.ageMs);
  }

  /** The number of a call that a worker has, as its events have it; 0 for what is no call of a pool. */
  numberOf(carried: CarriedCall): number {
    const call = carried instanceof Hedge ? carried.call : carried;
    return call instanceof PoolCall ? this.#nameOf(call, this.#dispatcher.clock.now()).number : 0;
  }

  /** Cancels a call. Its code in Python is interrupted; the call fails with Cancelled. False when there is none of this id. */
  cancel(id: string): boolean {
    const call = this.#dispatcher.calls.find((candidate) => String(this.#seen.get(candidate)?.number) === id);
    if (call === undefined) return false;
    this.#dispatcher.abandon(call, call.cancelled());
    return true;
  }

  #info(call: PoolCall, now: number): CallInfo {
    const { number, at } = this.#nameOf(call, now);
    const begun = Number.isFinite(call.deadline) ? call.deadline - call.timeoutMs : at;
    return {
      id: String(number),
      pool: this.#dispatcher.settings.name,
      tool: call.tool,
      session: call.sessionId,
      worker: call.state === "sent" ? (call.worker?.worker.id ?? "") : "",
      ageMs: Math.max(0, Math.round(now - begun)),
    };
  }

  #nameOf(call: PoolCall, now: number): Seen {
    let seen = this.#seen.get(call);
    if (seen === undefined) {
      seen = { number: call.story?.call ?? this.#dispatcher.telemetry.nextCall(), at: now };
      this.#seen.set(call, seen);
    }
    return seen;
  }
}
