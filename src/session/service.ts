/**
 * Sessions for programs written with Effect: `Session.make` is one, `Session.Sessions` looks after all of them, and `Session.Store` says where they are
 * kept.
 */
import { Context, Effect, Layer, type Scope } from "effect";
import type { InvalidOptions, StoreFailed } from "../errors/index.ts";
import type { SessionInfo } from "./entry.ts";
import type { SessionError, SessionOpenError } from "./errors.ts";
import type { SessionHandle } from "./handle.ts";
import { SessionManager } from "./manager.ts";
import type { SessionOptions, SessionsOptions } from "./options.ts";
import type { Metadata } from "./records.ts";
import type { StoreService } from "./store.ts";
import { memoryStore } from "./store-memory.ts";
import { type SqliteOptions, sqliteStore } from "./store-sqlite.ts";
import type { Variables } from "./variables.ts";

export type { SessionInfo, VariableChange, VariableEntry } from "./entry.ts";
export type { SessionError, SessionOpenError, VariableError } from "./errors.ts";
export type { SessionEvent } from "./manager.ts";
export type { SessionOptions, SessionsOptions, SetManyOptions, SetOptions, VariableDefinition } from "./options.ts";
export type { Metadata, Source } from "./records.ts";
export type { StoreService } from "./store.ts";
export type { BuiltInType, Constraints } from "./variable-type.ts";
export type { ReadOutcome, Variables, WriteOutcome } from "./variables.ts";

/** Where sessions are kept. */
export class Store extends Context.Service<Store, StoreService>()("snakepit/session/Store") {
  /** In the memory of this process. */
  static readonly layerMemory: Layer.Layer<Store> = Layer.sync(Store, memoryStore);

  /** In a file, which outlives this process and may be shared with others of the same machine. */
  static readonly layerSqlite = (options: SqliteOptions): Layer.Layer<Store, InvalidOptions | StoreFailed> =>
    Layer.effect(Store, sqliteStore(options));
}

/** Every session of the program. */
export class Sessions extends Context.Service<Sessions, SessionManager>()("snakepit/session/Sessions") {}

/** Looks after the sessions of a store. Handles that are open when it closes are closed with it. */
export const layer = (options: SessionsOptions = {}): Layer.Layer<Sessions, InvalidOptions, Store> =>
  Layer.effect(
    Sessions,
    Effect.flatMap(Store, (store) => SessionManager.make(options, store)),
  );

/** A session: state that TypeScript and Python share. */
export interface Session {
  /** Its id. */
  readonly id: string;
  /** Its metadata as it was when it was opened. */
  readonly metadata: Metadata;
  /** Its variables. */
  readonly variables: Variables;
  /** What is known about it. */
  readonly info: Effect.Effect<SessionInfo, SessionError>;
  /** Ends it before its time: what it holds is gone, for everybody. False when it was gone already. */
  readonly end: Effect.Effect<boolean, StoreFailed>;
}

/**
 * Opens the session of this id, or makes it. Its handle closes with the scope; what it holds stays in the store until its time is over or `end` is run. A
 * session without an id ends with its scope.
 */
export const make = (id?: string, options?: SessionOptions): Effect.Effect<Session, SessionOpenError, Sessions | Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.flatMap(Sessions, (sessions) => sessions.open(id, options)),
      // A store that fails then has the session end by its time.
      (handle) => Effect.ignore(handle.close),
    ),
    sessionOf,
  );

/** The Effect face of a handle. */
export const sessionOf = ({ id, metadata, variables, info, end }: SessionHandle): Session => ({ id, metadata, variables, info, end });
