/**
 * Sessions in a file, which several processes of one machine may share.
 *
 * What was acknowledged survives the end of the process by any means: the write-ahead log is with the kernel when a commit returns. Losing power may lose
 * the last commits, never the file; waiting for the disk at each commit would cost a hundred times as much.
 */
import { Effect, RcRef, type Scope } from "effect";
import { familyOnly } from "../errors/family.ts";
import {
  type InvalidOptions,
  isSnakepitError,
  QuotaExceeded,
  SessionExpired,
  SessionNotFound,
  type SnakepitError,
  StoreFailed,
} from "../errors/index.ts";
import { openSqlite, type SqliteDatabase } from "../runtime/sqlite.ts";
import { constants } from "./defaults.ts";
import { ForeignChanges } from "./foreign-changes.ts";
import { Listeners } from "./listeners.ts";
import { expiresAt, isExpired, partsOf, type SessionKey, type SessionRecord, type VariableRecord } from "./records.ts";
import { insertSession, numberIn, prepareStatements, putVariable, type Statements, sessionOf, variableOf } from "./sqlite-rows.ts";
import { migrate } from "./sqlite-schema.ts";
import {
  type Decide,
  givenMetadata,
  type Loaded,
  type Opened,
  type OpenRequest,
  type StoreEvent,
  type StoreService,
  type Wanted,
} from "./store.ts";

/** Where sessions are kept. */
export interface SqliteOptions {
  /** The file. It is made when there is none; a relative path is relative to the working directory. */
  readonly file: string;
}

/** Opens the file, until the scope closes. Fails with InvalidOptions for a file of a newer version, with StoreFailed when it cannot be opened. */
export const sqliteStore = ({ file }: SqliteOptions): Effect.Effect<StoreService, InvalidOptions | StoreFailed, Scope.Scope> =>
  Effect.gen(function* () {
    const database = yield* Effect.acquireRelease(
      Effect.tryPromise({ try: () => openDatabase(file), catch: (error) => asFailure<InvalidOptions | StoreFailed>(file, error) }),
      (open) => Effect.sync(() => open.close()),
    );
    const store = new SqliteStore(file, prepareStatements(database));
    const looking = Effect.sleep(constants.foreignMs).pipe(
      // A file that cannot be read now may be read the next time; until then its users hear of it.
      Effect.andThen(Effect.ignore(Effect.try(() => store.look()))),
      Effect.forever,
    );
    // Only while somebody listens, and once for all who do.
    const looked = yield* RcRef.make({ acquire: Effect.forkScoped(looking) });
    return service(store, RcRef.get(looked));
  });

async function openDatabase(file: string): Promise<SqliteDatabase> {
  const database = await openSqlite(file);
  try {
    database.exec(
      `PRAGMA busy_timeout = ${constants.busyMs}; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON`,
    );
    migrate(database, file);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function service(store: SqliteStore, looked: Effect.Effect<unknown, never, Scope.Scope>): StoreService {
  const attempt = <A, E extends SnakepitError>(run: () => A): Effect.Effect<A, E> =>
    Effect.try({ try: run, catch: (error) => asFailure<E>(store.file, error) });
  return {
    open: (request) => attempt(() => store.open(request)),
    load: (key, wanted, now) => attempt(() => store.load(key, wanted, now)),
    change: (key, wanted, now, decide) => attempt(() => store.change(key, wanted, now, decide)),
    remove: (key, now) => attempt(() => store.remove(key, now)),
    expire: (now) => attempt(() => store.expire(now)),
    list: (now) => attempt(() => store.list(now)),
    listen: (session, listener) =>
      Effect.acquireRelease(
        attempt<() => void, StoreFailed>(() => store.listen(session.serial, listener)),
        (forget) => Effect.sync(forget),
      ).pipe(Effect.andThen(looked), Effect.asVoid),
  };
}

/** The member that a failure is: its own, or StoreFailed for what SQLite says. */
function asFailure<E extends SnakepitError>(file: string, error: unknown): E {
  if (isSnakepitError(error) || !(error instanceof Error)) return familyOnly<E>(error);
  return familyOnly<E>(new StoreFailed({ store: file, reason: error.message }, { cause: error }));
}

class SqliteStore {
  readonly file: string;
  readonly #statements: Statements;
  readonly #listeners = new Listeners();
  readonly #foreign: ForeignChanges;

  constructor(file: string, statements: Statements) {
    this.file = file;
    this.#statements = statements;
    this.#foreign = new ForeignChanges(statements);
  }

  open(request: OpenRequest): Opened {
    const { id, now } = request;
    const opened = this.#transaction((): Opened => {
      const row = this.#statements.session.get(id);
      const there = row === undefined ? undefined : sessionOf(row);
      const isThere = there !== undefined && !isExpired(there, now);
      const given = givenMetadata(request, isThere ? there : undefined);
      if (isThere) {
        const metadata = { ...there.metadata, ...given };
        const session = { ...there, metadata, ttlMs: request.ttlMs ?? there.ttlMs, usedAt: now };
        this.#statements.updateSession.run(session.ttlMs, now, expiresAt(session), JSON.stringify(metadata), session.serial);
        return { session, created: false };
      }
      if (there !== undefined) this.#statements.deleteSession.run(there.serial);
      const count = numberIn(this.#statements.countSessions.get(), "count");
      if (count >= request.maxSessions) throw new QuotaExceeded({ quota: "maxSessions", limit: request.maxSessions });
      const ttlMs = request.ttlMs ?? request.defaultTtlMs;
      const session: SessionRecord = {
        id,
        serial: this.#nextSerial(),
        ttlMs,
        createdAt: now,
        usedAt: now,
        metadata: given,
        variables: 0,
        bytes: 0,
      };
      insertSession(this.#statements, session);
      return { session, created: true, expired: there };
    });
    if (opened.expired !== undefined) this.#tell(opened.expired.serial, [{ kind: "ended", at: now }]);
    return opened;
  }

  load(key: SessionKey, wanted: Wanted, now: number): Loaded {
    // One transaction, so that no other process changes something between two of the reads.
    const loaded = this.#transaction(() => this.#load(key, wanted, now), this.#statements.beginRead);
    const { session } = loaded;
    if (now - session.usedAt < Math.min(constants.touchMs, session.ttlMs / 10)) return loaded;
    const touched = { ...session, usedAt: now };
    this.#statements.touchSession.run(now, expiresAt(touched), session.serial);
    return { ...loaded, session: touched };
  }

  change<A>(key: SessionKey, wanted: Wanted, now: number, decide: Decide<A>): A {
    const events: StoreEvent[] = [];
    const [session, answer] = this.#transaction(() => {
      const loaded = this.#load(key, wanted, now);
      const { puts, deletes, bytes, answer } = decide(loaded, () => this.#nextSerial());
      const { serial } = loaded.session;
      let { variables } = loaded.session;
      for (const variable of puts) {
        if (variable.version === 0) variables++;
        putVariable(this.#statements, serial, variable);
        events.push({ kind: "set", variable, at: now });
      }
      for (const variable of deletes) {
        variables--;
        this.#statements.deleteVariable.run(variable.serial);
        events.push({ kind: "deleted", variable, at: now });
      }
      this.#statements.countInSession.run(now, expiresAt({ ...loaded.session, usedAt: now }), bytes, variables, serial);
      return [serial, answer];
    });
    this.#tell(session, events);
    return answer;
  }

  remove(key: SessionKey, now: number): SessionRecord | undefined {
    const removed = this.#transaction(() => {
      const session = this.#find(key);
      if (session !== undefined) this.#statements.deleteSession.run(session.serial);
      return session;
    });
    if (removed !== undefined) this.#tell(removed.serial, [{ kind: "ended", at: now }]);
    return removed;
  }

  expire(now: number): SessionRecord[] {
    const expired = this.#statements.expireSessions.all(now).map(sessionOf);
    for (const session of expired) this.#tell(session.serial, [{ kind: "ended", at: now }]);
    return expired;
  }

  list(now: number): SessionRecord[] {
    return this.#statements.sessions.all(now).map(sessionOf);
  }

  listen(session: number, listener: (event: StoreEvent) => void): () => void {
    if (!this.#listeners.has(session)) this.#foreign.follow(session);
    const forget = this.#listeners.add(session, listener);
    return () => {
      forget();
      if (!this.#listeners.has(session)) this.#foreign.forget(session);
    };
  }

  /** Tells listeners what other processes did. */
  look(): void {
    for (const [session, events] of this.#foreign.look()) this.#listeners.tell(session, events);
  }

  #tell(session: number, events: readonly StoreEvent[]): void {
    this.#foreign.note(session, events);
    this.#listeners.tell(session, events);
  }

  #load(key: SessionKey, wanted: Wanted, now: number): Loaded {
    const session = this.#find(key);
    if (session === undefined) throw new SessionNotFound({ session: key.id });
    if (isExpired(session, now)) throw new SessionExpired({ session: key.id });
    const variables = new Map<string, VariableRecord>();
    if (wanted === "all") {
      for (const row of this.#statements.variables.all(session.serial)) {
        const variable = variableOf(row);
        variables.set(variable.name, variable);
      }
    } else {
      for (const name of wanted) {
        const variable = this.#variable(session.serial, name);
        if (variable !== undefined) variables.set(name, variable);
      }
    }
    return { session, variables };
  }

  #find(key: SessionKey): SessionRecord | undefined {
    const row = this.#statements.session.get(key.id);
    const session = row === undefined ? undefined : sessionOf(row);
    return key.serial === undefined || key.serial === session?.serial ? session : undefined;
  }

  #variable(session: number, name: string): VariableRecord | undefined {
    const parts = partsOf(name);
    const byId = parts === undefined ? undefined : this.#statements.byName.get(session, parts.name);
    if (byId !== undefined && numberIn(byId, "serial") === parts?.serial) return variableOf(byId);
    const row = this.#statements.byName.get(session, name);
    return row === undefined ? undefined : variableOf(row);
  }

  #nextSerial(): number {
    return numberIn(this.#statements.nextSerial.get(), "last");
  }

  #transaction<A>(run: () => A, begin = this.#statements.begin): A {
    begin.run();
    try {
      const answer = run();
      this.#statements.commit.run();
      return answer;
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  /** SQLite ends some failed transactions by itself; what failed is the error to tell. */
  #rollBack(): void {
    try {
      this.#statements.rollback.run();
    } catch {}
  }
}
