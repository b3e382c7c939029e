/** The sessions of one program: which are open here, when they end, and who hears of it. What they hold is with the store. */
import { randomUUID } from "node:crypto";
import { Clock, Effect, Queue, type Scope, Stream } from "effect";
import { type InvalidOptions, type SessionClosed, SessionExpired, type SessionNotFound, type StoreFailed } from "../errors/index.ts";
import { constants } from "./defaults.ts";
import { infoOf, type SessionInfo } from "./entry.ts";
import type { SessionOpenError } from "./errors.ts";
import { familyOnly } from "./family.ts";
import { SessionHandle } from "./handle.ts";
import { checkSession, type SessionOptions, type SessionsOptions, type SessionsSettings, sessionsSettings } from "./options.ts";
import { noMetadata, type SessionKey, type SessionRecord, type Source } from "./records.ts";
import type { StoreService } from "./store.ts";
import { type SessionUse, Variables } from "./variables.ts";

/** Something happened to a session. */
export interface SessionEvent {
  /**
   * "created" when it was made, "released" when its last handle here was closed, "ended" when it was ended from here, "expired" when it was found past
   * its time by this process.
   */
  readonly kind: "created" | "released" | "ended" | "expired";
  /** What it was at that time. */
  readonly session: SessionInfo;
}

/** Opens sessions and looks after them. */
export class SessionManager {
  /** What the options say. */
  readonly settings: SessionsSettings;
  /** Where sessions are kept. */
  readonly store: StoreService;
  /** Open handles by the serial of their session. */
  readonly #handles = new Map<number, Set<SessionHandle>>();
  readonly #listeners = new Set<(event: SessionEvent) => void>();

  private constructor(settings: SessionsSettings, store: StoreService) {
    this.settings = settings;
    this.store = store;
  }

  /** Starts looking after the sessions of a store. With the scope every handle closes; sessions of an id stay in the store. */
  static make(options: SessionsOptions, store: StoreService): Effect.Effect<SessionManager, InvalidOptions, Scope.Scope> {
    return Effect.gen(function* () {
      const settings = yield* Effect.try({ try: () => sessionsSettings(options), catch: familyOnly<InvalidOptions> });
      const manager = yield* Effect.acquireRelease(
        Effect.sync(() => new SessionManager(settings, store)),
        (open) => open.#closeAll,
      );
      yield* Effect.forkScoped(
        Effect.sleep(settings.cleanupIntervalMs).pipe(
          // A store that fails now may work the next time; whoever uses it meanwhile hears of it.
          Effect.andThen(Effect.ignore(manager.cleanUp)),
          Effect.forever,
        ),
      );
      return manager;
    });
  }

  /** A handle of a session, which is made when there is none of this id. One without an id ends with its handle. */
  open(id: string | undefined, options: SessionOptions = {}): Effect.Effect<SessionHandle, SessionOpenError> {
    return Effect.gen({ self: this }, function* () {
      const name = id ?? `session_${randomUUID()}`;
      yield* Effect.try({ try: () => checkSession(name, options), catch: familyOnly<InvalidOptions> });
      const { session, created, expired } = yield* this.store.open({
        id: name,
        ttlMs: options.ttlMs,
        defaultTtlMs: this.settings.ttlMs,
        metadata: options.metadata ?? noMetadata,
        maxSessions: this.settings.maxSessions,
        now: yield* Clock.currentTimeMillis,
      });
      if (expired !== undefined) this.#expired(expired);
      const handle = new SessionHandle(this, session, id === undefined);
      const handles = this.#handles.get(session.serial) ?? new Set();
      this.#handles.set(session.serial, handles.add(handle));
      if (created) this.#tell("created", session);
      return handle;
    });
  }

  /** Every session of the store. Does not count as use. */
  get list(): Effect.Effect<readonly SessionInfo[], StoreFailed> {
    return Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => this.store.list(now)),
      Effect.map((sessions) => sessions.map((session) => this.info(session))),
    );
  }

  /** Removes the sessions past their time, as it happens at every interval, and says which. */
  get cleanUp(): Effect.Effect<readonly SessionInfo[], StoreFailed> {
    return Clock.currentTimeMillis.pipe(
      Effect.flatMap((now) => this.store.expire(now)),
      Effect.map((expired) => expired.map((session) => this.#expired(session))),
    );
  }

  /** What happens to sessions from now on. A listener that is slow loses the oldest. */
  get events(): Stream.Stream<SessionEvent> {
    return Stream.callback<SessionEvent>(
      (queue) =>
        Effect.acquireRelease(
          Effect.sync(() => this.onEvent((event) => Queue.offerUnsafe(queue, event))),
          (forget) => Effect.sync(forget),
        ),
      { bufferSize: constants.eventBuffer, strategy: "sliding" },
    );
  }

  /** Calls the listener with what happens to sessions. It must not fail. The returned function takes it away. */
  onEvent(listener: (event: SessionEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Runs an operation of the store on a session as of now; one that turns out to be past its time is removed. */
  use<A, E>(
    operation: (now: number) => Effect.Effect<A, E | SessionNotFound | SessionExpired | SessionClosed | StoreFailed>,
  ): Effect.Effect<A, E | SessionNotFound | SessionExpired | SessionClosed | StoreFailed> {
    return Clock.currentTimeMillis.pipe(
      Effect.flatMap(operation),
      Effect.tapError((error) => (error instanceof SessionExpired ? Effect.ignore(this.cleanUp) : Effect.void)),
    );
  }

  /** The variables of the session of this id, whichever it is at the time, for changes made by `source`. */
  variables(id: string, source: Source): Variables {
    const session: SessionUse = { key: { id }, store: this.store, use: (operation) => this.use(operation), attach: () => Effect.void };
    return new Variables(session, this.settings, source);
  }

  /** Ends a session: it and all it has are gone from the store. False when it was gone already. */
  end(key: SessionKey): Effect.Effect<boolean, StoreFailed> {
    return Effect.gen({ self: this }, function* () {
      const removed = yield* this.store.remove(key, yield* Clock.currentTimeMillis);
      if (removed !== undefined) this.#tell("ended", removed);
      return removed !== undefined;
    });
  }

  /** Takes note that a handle was closed. */
  released(handle: SessionHandle, session: SessionRecord): void {
    const handles = this.#handles.get(session.serial);
    if (handles === undefined || !handles.delete(handle) || handles.size > 0) return;
    this.#handles.delete(session.serial);
    this.#tell("released", session);
  }

  /** A session as programs see it. */
  info(session: SessionRecord): SessionInfo {
    return infoOf(session, this.#handles.get(session.serial)?.size ?? 0);
  }

  #expired(session: SessionRecord): SessionInfo {
    for (const handle of this.#handles.get(session.serial) ?? []) handle.expired = true;
    this.#tell("expired", session);
    return this.info(session);
  }

  #tell(kind: SessionEvent["kind"], session: SessionRecord): void {
    const event = { kind, session: this.info(session) };
    for (const listener of this.#listeners) listener(event);
  }

  get #closeAll(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const handles = [...this.#handles.values()].flatMap((set) => [...set]);
      return Effect.forEach(handles, (handle) => Effect.ignore(handle.close), { discard: true });
    });
  }
}
