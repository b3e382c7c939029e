/** The sessions of one program: which are open here, when they end, and who hears of it. What they hold is with the store. */
import { randomUUID } from "node:crypto";
import { Clock, Effect, Queue, type Scope, Stream } from "effect";
import { checkSession } from "../api/session-options.ts";
import type { SessionInfo, SessionOptions } from "../api/sessions.ts";
import type { Source } from "../api/variables.ts";
import { familyOnly } from "../errors/family.ts";
import { type InvalidOptions, SessionClosed, SessionExpired, type SessionNotFound, StoreFailed } from "../errors/index.ts";
import { constants } from "./defaults.ts";
import { infoOf } from "./entry.ts";
import type { SessionOpenError } from "./errors.ts";
import { SessionHandle } from "./handle.ts";
import { OpenSession } from "./open-session.ts";
import { type SessionsOptions, type SessionsSettings, sessionsSettings } from "./options.ts";
import type { Presence } from "./presence.ts";
import { noMetadata, type SessionKey, type SessionRecord } from "./records.ts";
import { noHost, type SessionHost } from "./session-host.ts";
import type { MetadataFor, StoreService } from "./store.ts";
import { type SessionUse, Variables } from "./variables.ts";

/** Something happened to a session. */
export type SessionEvent =
  | {
      /**
       * "created" when it was made, "released" when its last handle here was closed, "ended" when it was ended from here, "expired" when it was found past
       * its time by this process.
       */
      readonly kind: "created" | "released" | "ended" | "expired";
      /** What it was at that time. */
      readonly session: SessionInfo;
    }
  | {
      /** Its worker has ended, and what that had stored for the session is gone. Its calls go to another one. */
      readonly kind: "moved";
      readonly session: SessionInfo;
      /** Id of the worker that had the session. */
      readonly from: string;
      /** Id of the worker that has it now. */
      readonly to: string;
    };

/** Opens sessions and looks after them. */
export class SessionManager {
  /** What the options say. */
  readonly settings: SessionsSettings;
  /** Where sessions are kept. */
  readonly store: StoreService;
  /** Where their calls go, and what Python may call of theirs. */
  readonly host: SessionHost;
  /** Those that have handles here, by serial. */
  readonly #open = new Map<number, OpenSession>();
  /** Of those the ones that have their id still, as far as is known here: another process may have given it to another session. */
  readonly #current = new Map<string, OpenSession>();
  /** Those that workers know, by id. */
  readonly #presences = new Map<string, Presence>();
  readonly #listeners = new Set<(event: SessionEvent) => void>();
  #closed = false;

  private constructor(settings: SessionsSettings, store: StoreService, host: SessionHost) {
    this.settings = settings;
    this.store = store;
    this.host = host;
  }

  /** Starts looking after the sessions of a store. With the scope every handle closes, and none can be opened; sessions of an id stay in the store. */
  static make(
    options: SessionsOptions,
    store: StoreService,
    host: SessionHost = noHost(),
  ): Effect.Effect<SessionManager, InvalidOptions, Scope.Scope> {
    return Effect.gen(function* () {
      const settings = yield* Effect.try({ try: () => sessionsSettings(options), catch: familyOnly<InvalidOptions> });
      const manager = yield* Effect.acquireRelease(
        Effect.sync(() => new SessionManager(settings, store, host)),
        (open) => open.#closeAll,
      );
      yield* Effect.acquireRelease(
        Effect.sync(() => host.tools.onChange((session) => manager.#toolsChanged(session))),
        (forget) => Effect.sync(forget),
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

  /**
   * A handle of a session, which is made when there is none of this id. One without an id ends with its handle.
   *
   * @param metadata - Decides about the metadata, and may throw instead of letting the session be made or used. Default: what the options say.
   */
  open(id: string | undefined, options: SessionOptions = {}, metadata?: MetadataFor): Effect.Effect<SessionHandle, SessionOpenError> {
    return Effect.gen({ self: this }, function* () {
      const name = id ?? `session_${randomUUID()}`;
      yield* Effect.try({ try: () => checkSession(name, options), catch: familyOnly<InvalidOptions> });
      yield* this.#stillOpen;
      const { session, created, expired } = yield* this.store.open({
        id: name,
        ttlMs: options.ttlMs,
        defaultTtlMs: this.settings.ttlMs,
        metadata: metadata ?? options.metadata ?? noMetadata,
        maxSessions: this.settings.maxSessions,
        now: yield* Clock.currentTimeMillis,
      });
      if (expired !== undefined) this.#expired(expired);
      // It may have closed while the store was asked.
      yield* this.#stillOpen;
      const handle = new SessionHandle(this, session, id === undefined);
      let open = this.#open.get(session.serial);
      if (open === undefined) {
        open = new OpenSession(session);
        this.#open.set(session.serial, open);
        this.#lapse(name);
        this.#current.set(name, open);
      }
      open.handles.add(handle);
      if (options.affinity !== undefined) open.affinity = options.affinity;
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

  /** Makes the session of an open handle known to workers, which its first call needs. */
  present(session: SessionRecord): Effect.Effect<Presence, SessionNotFound | SessionExpired | SessionClosed | StoreFailed> {
    return this.use((now) => {
      const open = this.#open.get(session.serial);
      if (open === undefined) return Effect.fail(new SessionClosed({ session: session.id }));
      const { id } = session;
      const presented = open.present(now, {
        store: this.store,
        host: this.host,
        onMoved: (from, to) => this.#say({ kind: "moved", session: this.info(session), from, to }),
        onOver: (presence) => {
          if (this.#presences.get(id) === presence) this.#presences.delete(id);
        },
      });
      return Effect.tap(presented, (presence) =>
        Effect.sync(() => {
          const before = this.#presences.get(id);
          if (before === presence || presence.over) return;
          // Another process has ended the one that had the id. Workers are asked to forget that before they hear of this one, not when that is noticed.
          before?.close();
          this.#presences.set(id, presence);
        }),
      );
    });
  }

  /** Whether a session still has its id, as far as is known here. */
  has(session: SessionRecord): boolean {
    return this.#current.get(session.id)?.session.serial === session.serial;
  }

  /** What the workers know of the session of this id; undefined when none does. */
  presenceOf(id: string): Presence | undefined {
    return this.#presences.get(id);
  }

  /** Ends a session: it and all it has are gone from the store. False when it was gone already. */
  end(key: SessionKey): Effect.Effect<boolean, StoreFailed> {
    return Effect.gen({ self: this }, function* () {
      const removed = yield* this.store.remove(key, yield* Clock.currentTimeMillis);
      if (removed !== undefined) this.#over("ended", removed);
      return removed !== undefined;
    });
  }

  /** Takes note that a handle was closed. */
  released(handle: SessionHandle, session: SessionRecord): void {
    const open = this.#open.get(session.serial);
    if (open === undefined || !open.handles.delete(handle) || open.handles.size > 0) return;
    this.#open.delete(session.serial);
    if (this.has(session)) this.#current.delete(session.id);
    open.close();
    this.#tell("released", session);
  }

  /** A session as programs see it. */
  info(session: SessionRecord): SessionInfo {
    return infoOf(session, this.#open.get(session.serial)?.handles.size ?? 0);
  }

  #toolsChanged(session: string): void {
    if (session !== "") this.#presences.get(session)?.toolsChanged();
    else for (const presence of this.#presences.values()) presence.toolsChanged();
  }

  #expired(session: SessionRecord): SessionInfo {
    for (const handle of this.#open.get(session.serial)?.handles ?? []) handle.expired = true;
    this.#over("expired", session);
    return this.info(session);
  }

  #over(kind: "ended" | "expired", session: SessionRecord): void {
    if (this.has(session)) this.#lapse(session.id);
    this.#tell(kind, session);
  }

  /** The session that has this id does so no longer: its tools are not those of another that gets it. */
  #lapse(id: string): void {
    const open = this.#current.get(id);
    this.#current.delete(id);
    for (const handle of open?.handles ?? []) handle.takeBack();
  }

  #tell(kind: Exclude<SessionEvent["kind"], "moved">, session: SessionRecord): void {
    this.#say({ kind, session: this.info(session) });
  }

  #say(event: SessionEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get #stillOpen(): Effect.Effect<void, StoreFailed> {
    return Effect.suspend(() =>
      this.#closed ? Effect.fail(new StoreFailed({ store: "sessions", reason: "the program has closed it" })) : Effect.void,
    );
  }

  get #closeAll(): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.#closed = true;
      const handles = [...this.#open.values()].flatMap((open) => [...open.handles]);
      return Effect.forEach(handles, (handle) => Effect.ignore(handle.close), { discard: true });
    });
  }
}
