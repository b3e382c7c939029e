/** A handle of a session: what closes, while the session lives on. Both faces stand on it. */
import { Effect, type Scope } from "effect";
import type { SessionInfo } from "../api/sessions.ts";
import type { Metadata } from "../api/variables.ts";
import { SessionClosed, SessionExpired, SessionNotFound, type StoreFailed } from "../errors/index.ts";
import type { HostToolOptions } from "../host/host-tools.ts";
import type { HostFunction } from "../tool/call.ts";
import { constants } from "./defaults.ts";
import type { SessionError } from "./errors.ts";
import type { SessionManager } from "./manager.ts";
import type { Presence } from "./presence.ts";
import type { SessionKey, SessionRecord } from "./records.ts";
import type { StoreService } from "./store.ts";
import { Variables } from "./variables.ts";
import type { WatchBuffer } from "./watch-buffer.ts";

/** One holder's part in a session. */
export class SessionHandle {
  /** Id of the session. */
  readonly id: string;
  /** The session's metadata as it was when the handle was opened. */
  readonly metadata: Metadata;
  /** Its variables. */
  readonly variables: Variables;
  /** Set when the session was found past its time. */
  expired = false;
  readonly #manager: SessionManager;
  readonly #session: SessionRecord;
  readonly #endsWithHandle: boolean;
  readonly #watches = new Set<WatchBuffer>();
  /** Takes the tools of this handle back. */
  readonly #provided = new Set<() => void>();
  #presence: Presence | undefined;
  /** When a call was last told to the store as use. */
  #presentAt = 0;
  #closed = false;

  constructor(manager: SessionManager, session: SessionRecord, endsWithHandle: boolean) {
    this.id = session.id;
    this.metadata = session.metadata;
    this.#manager = manager;
    this.#session = session;
    this.#endsWithHandle = endsWithHandle;
    this.variables = new Variables(this, manager.settings, { side: "typescript" });
  }

  /** Which session it is, and no other that may get its id later. */
  get key(): SessionKey {
    return this.#session;
  }

  /** Where the session is kept. */
  get store(): StoreService {
    return this.#manager.store;
  }

  /** What is known about the session. Counts as use. */
  get info(): Effect.Effect<SessionInfo, SessionError> {
    return this.use((now) => this.store.load(this.key, [], now)).pipe(Effect.map(({ session }) => this.#manager.info(session)));
  }

  /** Runs an operation of the store on the session. Fails with SessionClosed once the handle is closed. */
  use<A, E>(
    operation: (now: number) => Effect.Effect<A, E | SessionNotFound | SessionExpired | SessionClosed | StoreFailed>,
  ): Effect.Effect<A, E | SessionError> {
    return Effect.suspend(() => {
      if (this.#closed) return Effect.fail(new SessionClosed({ session: this.id }));
      return Effect.mapError(this.#manager.use(operation), (error) =>
        this.expired && error instanceof SessionNotFound ? new SessionExpired({ session: this.id }) : error,
      );
    });
  }

  /**
   * The session as the workers know it, for a call. It counts as use, which is told to the store once in a while only, so most calls need not wait:
   * those take {@link presentNow}.
   */
  get present(): Effect.Effect<Presence, SessionError> {
    return this.use((now) => Effect.as(this.store.load(this.key, [], now), now)).pipe(
      Effect.flatMap((now) =>
        Effect.map(this.#manager.present(this.#session), (presence) => {
          this.#presentAt = now;
          this.#presence = presence;
          return presence;
        }),
      ),
    );
  }

  /** The same, when it was used a moment ago and nothing has to be waited for. */
  presentNow(now: number): Presence | undefined {
    const presence = this.#presence;
    if (presence === undefined || presence.over || this.#closed) return undefined;
    return now - this.#presentAt < Math.min(constants.touchMs, this.#session.ttlMs / 10) ? presence : undefined;
  }

  /**
   * Lets Python call a function in this session by its name, until the handle closes, the session ends, or the returned function is called. Throws
   * InvalidOptions, SessionClosed, and SessionNotFound or SessionExpired when the session is known to be gone.
   */
  provide(name: string, fn: HostFunction, options?: HostToolOptions): () => void {
    if (this.#closed) throw new SessionClosed({ session: this.id });
    if (this.expired) throw new SessionExpired({ session: this.id });
    if (!this.#manager.has(this.#session)) throw new SessionNotFound({ session: this.id });
    const remove = this.#manager.host.tools.provide(this.id, name, fn, options);
    const forget = (): void => {
      if (this.#provided.delete(forget)) remove();
    };
    this.#provided.add(forget);
    return forget;
  }

  /** Takes every tool of this handle back. */
  takeBack(): void {
    for (const forget of this.#provided) forget();
  }

  /** Lets the buffer end when the handle closes. */
  attach(buffer: WatchBuffer): Effect.Effect<void, never, Scope.Scope> {
    return Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => this.#watches.add(buffer)),
        () => Effect.sync(() => this.#watches.delete(buffer)),
      ),
    );
  }

  /** Drops the handle: its watches end, and a session without an id of its own ends. May be run twice. */
  get close(): Effect.Effect<void, StoreFailed> {
    return Effect.suspend(() => {
      const first = !this.#closed;
      this.#drop();
      return first && this.#endsWithHandle ? Effect.asVoid(this.#manager.end(this.key)) : Effect.void;
    });
  }

  /** Ends the session and closes the handle. False when it was gone already. */
  get end(): Effect.Effect<boolean, StoreFailed> {
    // Dropped afterwards, so that watches of this handle still hear that the session ended.
    return Effect.tap(
      Effect.suspend(() => this.#manager.end(this.key)),
      Effect.sync(() => this.#drop()),
    );
  }

  #drop(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const buffer of this.#watches) buffer.close();
    this.takeBack();
    this.#manager.released(this, this.#session);
  }
}
