/** Sessions in the memory of this process: the default. They end with it. */
import { Effect } from "effect";
import { familyOnly } from "../errors/family.ts";
import { QuotaExceeded, SessionExpired, SessionNotFound, type SnakepitError } from "../errors/index.ts";
import { Listeners } from "./listeners.ts";
import { isExpired, partsOf, type SessionKey, type SessionRecord, type VariableRecord } from "./records.ts";
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

interface Entry {
  session: SessionRecord;
  /** By name, in the order they were made. */
  readonly variables: Map<string, VariableRecord>;
}

/** A store of its own, empty. */
export function memoryStore(): StoreService {
  const store = new MemoryStore();
  return {
    open: (request) => attempt(() => store.open(request)),
    load: (key, wanted, now) => attempt(() => store.load(key, wanted, now)),
    change: (key, wanted, now, decide) =>
      attempt<ReturnType<typeof decide>["answer"], SnakepitError>(() => store.change(key, wanted, now, decide)),
    remove: (key, now) => Effect.sync(() => store.remove(key, now)),
    expire: (now) => Effect.sync(() => store.expire(now)),
    list: (now) => Effect.sync(() => store.list(now)),
    listen: (session, listener) =>
      Effect.acquireRelease(
        Effect.sync(() => store.listeners.add(session.serial, listener)),
        (forget) => Effect.sync(forget),
      ),
  };
}

/** Runs an operation that throws members of the family, of which the signature of the store says which. */
const attempt = <A, E extends SnakepitError>(run: () => A): Effect.Effect<A, E> => Effect.try({ try: run, catch: familyOnly<E> });

class MemoryStore {
  readonly listeners = new Listeners();
  readonly #sessions = new Map<string, Entry>();
  #serial = 0;

  open(request: OpenRequest): Opened {
    const { id, now } = request;
    const there = this.#sessions.get(id);
    const isThere = there !== undefined && !isExpired(there.session, now);
    const given = givenMetadata(request, isThere ? there.session : undefined);
    if (isThere) {
      const metadata = { ...there.session.metadata, ...given };
      there.session = { ...there.session, metadata, ttlMs: request.ttlMs ?? there.session.ttlMs, usedAt: now };
      return { session: there.session, created: false };
    }
    if (there !== undefined) this.#drop(there, now);
    if (this.#sessions.size >= request.maxSessions) throw new QuotaExceeded({ quota: "maxSessions", limit: request.maxSessions });
    const session: SessionRecord = {
      id,
      serial: ++this.#serial,
      ttlMs: request.ttlMs ?? request.defaultTtlMs,
      createdAt: now,
      usedAt: now,
      metadata: given,
      variables: 0,
      bytes: 0,
    };
    this.#sessions.set(id, { session, variables: new Map() });
    return { session, created: true, expired: there?.session };
  }

  load(key: SessionKey, wanted: Wanted, now: number): Loaded {
    const entry = this.#use(key, now);
    return { session: entry.session, variables: pick(entry, wanted) };
  }

  change<A>(key: SessionKey, wanted: Wanted, now: number, decide: Decide<A>): A {
    const entry = this.#use(key, now);
    const { puts, deletes, bytes, answer } = decide({ session: entry.session, variables: pick(entry, wanted) }, () => ++this.#serial);
    const events: StoreEvent[] = [];
    for (const variable of puts) {
      entry.variables.set(variable.name, variable);
      events.push({ kind: "set", variable, at: now });
    }
    for (const variable of deletes) {
      entry.variables.delete(variable.name);
      events.push({ kind: "deleted", variable, at: now });
    }
    entry.session = { ...entry.session, bytes, variables: entry.variables.size };
    this.listeners.tell(entry.session.serial, events);
    return answer;
  }

  remove(key: SessionKey, now: number): SessionRecord | undefined {
    const entry = this.#sessions.get(key.id);
    if (entry === undefined || (key.serial !== undefined && key.serial !== entry.session.serial)) return undefined;
    this.#drop(entry, now);
    return entry.session;
  }

  expire(now: number): SessionRecord[] {
    const expired = Array.from(this.#sessions.values()).filter((entry) => isExpired(entry.session, now));
    for (const entry of expired) this.#drop(entry, now);
    return expired.map((entry) => entry.session);
  }

  list(now: number): SessionRecord[] {
    return Array.from(this.#sessions.values(), (entry) => entry.session).filter((session) => !isExpired(session, now));
  }

  #use(key: SessionKey, now: number): Entry {
    const entry = this.#sessions.get(key.id);
    if (entry === undefined || (key.serial !== undefined && key.serial !== entry.session.serial)) {
      throw new SessionNotFound({ session: key.id });
    }
    if (isExpired(entry.session, now)) throw new SessionExpired({ session: key.id });
    if (now !== entry.session.usedAt) entry.session = { ...entry.session, usedAt: now };
    return entry;
  }

  #drop(entry: Entry, now: number): void {
    this.#sessions.delete(entry.session.id);
    this.listeners.tell(entry.session.serial, [{ kind: "ended", at: now }]);
  }
}

function pick(entry: Entry, wanted: Wanted): ReadonlyMap<string, VariableRecord> {
  if (wanted === "all") return entry.variables;
  const found = new Map<string, VariableRecord>();
  for (const name of wanted) {
    const variable = byId(entry, name) ?? entry.variables.get(name);
    if (variable !== undefined) found.set(name, variable);
  }
  return found;
}

function byId(entry: Entry, id: string): VariableRecord | undefined {
  const parts = partsOf(id);
  const variable = parts === undefined ? undefined : entry.variables.get(parts.name);
  return variable?.serial === parts?.serial ? variable : undefined;
}
