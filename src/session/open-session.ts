/** A session that has handles in this program. */
import { Effect } from "effect";
import type { Affinity } from "../api/sessions.ts";
import { SessionClosed, SessionNotFound, type StoreFailed } from "../errors/index.ts";
import type { SessionHandle } from "./handle.ts";
import { Presence, type PresenceOptions } from "./presence.ts";
import type { SessionRecord } from "./records.ts";
import type { Gone } from "./store.ts";

/** The handles of one session, and what it is to the workers once one of them has called Python. */
export class OpenSession {
  readonly session: SessionRecord;
  readonly handles = new Set<SessionHandle>();
  #affinity: Affinity = "hint";
  /** Undefined as long as no call was made. */
  #presence: Presence | undefined;
  #opening: Effect.Effect<Presence, Gone | SessionClosed | StoreFailed> | undefined;
  #closed = false;

  constructor(session: SessionRecord) {
    this.session = session;
  }

  /** Where its calls are to go from now on. */
  set affinity(affinity: Affinity) {
    this.#affinity = affinity;
    if (this.#presence !== undefined) this.#presence.affinity = affinity;
  }

  /** Makes it known to workers, once for all of its handles. */
  present(now: number, options: PresenceOptions): Effect.Effect<Presence, Gone | SessionClosed | StoreFailed> {
    const present = this.#presence;
    if (present?.over === false) return Effect.succeed(present);
    const opening = Presence.open(this.session, now, options).pipe(
      Effect.tap((presence) =>
        Effect.suspend(() => {
          // Either may have happened while the store was asked.
          if (this.#closed) presence.close();
          if (presence.over) return Effect.fail(this.#gone);
          presence.affinity = this.#affinity;
          this.#presence = presence;
          return Effect.void;
        }),
      ),
      Effect.ensuring(
        Effect.sync(() => {
          this.#opening = undefined;
        }),
      ),
    );
    return Effect.gen({ self: this }, function* () {
      this.#opening ??= yield* Effect.cached(opening);
      return yield* this.#opening;
    });
  }

  /** Its last handle is closed: the workers are asked to forget it. */
  close(): void {
    this.#closed = true;
    this.#presence?.close();
  }

  get #gone(): SessionClosed | SessionNotFound {
    return new (this.#closed ? SessionClosed : SessionNotFound)({ session: this.session.id });
  }
}
