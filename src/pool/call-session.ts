/** What a pool has to know of the session that calls belong to. Sessions themselves live above it. */
import type { Affinity } from "../api/sessions.ts";
import type { Worker } from "../worker/worker.ts";

/** A session as its pool sees it. */
export interface CallSession {
  /** The user's own id. */
  readonly id: string;
  readonly affinity: Affinity;
  /**
   * Makes the session known to a worker, before its first call there. What it sends is on its way when this returns, so the call comes after it.
   *
   * @param movedFrom The worker that had the session and died; empty when there was none.
   */
  initialize(worker: Worker, movedFrom: string): void;
  /** The worker knows the session no more: it was asked to forget it, or it has ended. */
  forget(workerId: string): void;
  /** The worker of the session has ended, and another has it from now on. Never told with `strict-fail`, whose calls fail then. */
  moved(from: string, to: string): void;
}
