/**
 * What a place for sessions can do. Rules live elsewhere: a store loads what a change is about, lets a pure function decide, and keeps what it decided,
 * all at once or not at all. So every store has the same rules, and one that has to wait for its answers can be one too.
 */

import type { Effect, Scope } from "effect";
import type { Metadata } from "../api/variables.ts";
import type { QuotaExceeded, SessionExpired, SessionNotFound, SnakepitError, StoreFailed } from "../errors/index.ts";
import type { SessionKey, SessionRecord, VariableRecord } from "./records.ts";

/** A session to be made, or to be found. */
export interface OpenRequest {
  readonly id: string;
  /** How long it lives after its last use, in milliseconds. Default for a new one: `defaultTtlMs`; one that is there keeps what it has. */
  readonly ttlMs: number | undefined;
  readonly defaultTtlMs: number;
  /** Merged into what is there. */
  readonly metadata: Metadata | MetadataFor;
  /** Sessions that the store may hold. */
  readonly maxSessions: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** The metadata for a session that is there, or for one that is to be made. May throw a member of the family: then nothing is opened, made or used. */
export type MetadataFor = (there: SessionRecord | undefined) => Metadata;

/** The metadata that a request gives a session. */
export const givenMetadata = ({ metadata }: OpenRequest, there: SessionRecord | undefined): Metadata =>
  typeof metadata === "function" ? metadata(there) : metadata;

/** A session that was found or made. */
export interface Opened {
  readonly session: SessionRecord;
  /** Whether it was made. */
  readonly created: boolean;
  /** The one of the same id that was past its time and had to go. */
  readonly expired?: SessionRecord | undefined;
}

/** A session and those of its variables that were asked for. */
export interface Loaded {
  readonly session: SessionRecord;
  /** By name or id as it was asked for; of all variables, by name in the order they were made. Those there are not are left out. */
  readonly variables: ReadonlyMap<string, VariableRecord>;
}

/** What to load: variables by name or id, or all of them. */
export type Wanted = readonly string[] | "all";

/** What a change comes to. */
export interface Decision<A> {
  /** Variables as they are to be, in the order of the changes. Version 0 is a new one. */
  readonly puts: readonly VariableRecord[];
  /** Variables to remove. */
  readonly deletes: readonly VariableRecord[];
  /** What the variables of the session take afterwards. */
  readonly bytes: number;
  /** What whoever asked for the change is told. */
  readonly answer: A;
}

/** Decides about a change. May throw a member of the family: then nothing is changed. `nextSerial` gives a number that was never given before. */
export type Decide<A> = (loaded: Loaded, nextSerial: () => number) => Decision<A>;

/** Something happened to a session. */
export type StoreEvent =
  | { readonly kind: "set" | "deleted"; readonly variable: VariableRecord; readonly at: number }
  | { readonly kind: "ended"; readonly at: number };

/** Hears what happens to a session, in the order it happened. Must not fail and must not wait. */
export type StoreListener = (event: StoreEvent) => void;

/** Why a session cannot be used. */
export type Gone = SessionNotFound | SessionExpired;

/** The operations of a store. Every one of them is atomic. A session that is used lives longer from then on. */
export interface StoreService {
  /** Finds a session, or makes it. One past its time is made anew. */
  readonly open: (request: OpenRequest) => Effect.Effect<Opened, QuotaExceeded | StoreFailed>;
  /** Reads variables. */
  readonly load: (key: SessionKey, wanted: Wanted, now: number) => Effect.Effect<Loaded, Gone | StoreFailed>;
  /** Changes variables. Fails also with what `decide` throws. */
  readonly change: <A>(key: SessionKey, wanted: Wanted, now: number, decide: Decide<A>) => Effect.Effect<A, SnakepitError>;
  /** Removes a session with all it has, and answers what it was. Undefined when there was none. */
  readonly remove: (key: SessionKey, now: number) => Effect.Effect<SessionRecord | undefined, StoreFailed>;
  /** Removes the sessions past their time and says which. */
  readonly expire: (now: number) => Effect.Effect<readonly SessionRecord[], StoreFailed>;
  /** Every session that is not past its time, the oldest first. Does not count as use. */
  readonly list: (now: number) => Effect.Effect<readonly SessionRecord[], StoreFailed>;
  /** Calls the listener with what happens to a session, until the scope closes. */
  readonly listen: (session: SessionRecord, listener: StoreListener) => Effect.Effect<void, StoreFailed, Scope.Scope>;
}
