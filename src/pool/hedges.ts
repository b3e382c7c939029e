/** The hedges of a pool that are on their way. */
import { isSnakepitError } from "../errors/index.ts";
import type { PoolCall, UnaryCall } from "./call.ts";
import { Hedge, type HedgeOwner } from "./hedge.ts";
import { holdsThread, type PooledWorker, type Weight } from "./pooled-worker.ts";

/** Hedges by their calls, of which each has one at most. */
export class Hedges {
  readonly #owner: HedgeOwner;
  readonly #byCall = new Map<PoolCall, Hedge>();

  constructor(owner: HedgeOwner) {
    this.#owner = owner;
  }

  /** The hedge of a call. */
  of(call: PoolCall): Hedge | undefined {
    return this.#byCall.get(call);
  }

  /** Sends a call to a second worker. False when it was not sent, because that cannot be, or because reading its arguments has ended the call. */
  send(call: UnaryCall, pooled: PooledWorker, weight: Weight): boolean {
    const hedge = new Hedge(this.#owner, call, pooled, weight);
    hedge.take();
    // Before it is sent: what reads the arguments may end the call.
    this.#byCall.set(call, hedge);
    try {
      pooled.worker.connection.start(hedge);
      return !call.over;
    } catch (error) {
      if (this.of(call) === hedge) this.remove(hedge);
      if (!isSnakepitError(error)) throw error;
      if (error._tag === "ConnectionLost") pooled.retire();
      return false;
    } finally {
      // Those that were read after the call had ended.
      if (call.over) hedge.removeFunctions();
    }
  }

  /** A hedge was answered, or went with its worker. */
  remove(hedge: Hedge): void {
    this.#byCall.delete(hedge.call);
    hedge.give();
  }

  /** A call is over: its hedge is cancelled. */
  cancel(call: PoolCall): void {
    const hedge = this.of(call);
    if (hedge === undefined) return;
    const { worker: pooled, weight } = hedge;
    pooled.worker.connection.cancel(hedge);
    this.remove(hedge);
    pooled.calls++;
    pooled.cancelWatch.add(holdsThread(weight));
  }
}
