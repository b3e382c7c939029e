/**
 * Sessions for programs written with Effect: `Session.make` is one, `Session.Sessions` looks after all of them, and `Session.Store` says where they are
 * kept.
 */
import { Clock, Context, Effect, Layer, type Scope, Stream } from "effect";
import type { ToolArguments } from "../api/calls.ts";
import type { SessionInfo, SessionOptions } from "../api/sessions.ts";
import type { Metadata } from "../api/variables.ts";
import { familyOnly } from "../errors/family.ts";
import type { InvalidOptions, SessionClosed, SessionExpired, SessionNotFound, StoreFailed } from "../errors/index.ts";
import { type EffectFunction, plainFunction } from "../host/effect-function.ts";
import type { HostToolOptions } from "../host/host-tools.ts";
import { callEffect, type EffectCallOptions, itemStream } from "../pool/faces.ts";
import type { SessionCallError, SessionError, SessionOpenError } from "./errors.ts";
import type { SessionHandle } from "./handle.ts";
import { SessionManager } from "./manager.ts";
import type { SessionsOptions } from "./options.ts";
import type { Presence } from "./presence.ts";
import type { StoreService } from "./store.ts";
import { memoryStore } from "./store-memory.ts";
import { type SqliteOptions, sqliteStore } from "./store-sqlite.ts";
import type { Variables } from "./variables.ts";

export type { SessionInfo, SessionOptions } from "../api/sessions.ts";
export type {
  BuiltInType,
  Constraints,
  Metadata,
  ReadOutcome,
  SetManyOptions,
  SetOptions,
  Source,
  VariableChange,
  VariableDefinition,
  VariableEntry,
  WriteOutcome,
} from "../api/variables.ts";
export type { SessionCallError, SessionError, SessionOpenError, VariableError } from "./errors.ts";
export type { SessionEvent } from "./manager.ts";
export type { SessionsOptions } from "./options.ts";
export type { StoreService } from "./store.ts";
export type { Variables } from "./variables.ts";

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
  /** Calls a tool that does not stream, in this session. Interrupting it interrupts the tool's code in Python. */
  readonly execute: <Result = unknown>(
    tool: string,
    args?: ToolArguments,
    options?: EffectCallOptions,
  ) => Effect.Effect<Result, SessionCallError>;
  /** Calls a streaming tool in this session. Ending the stream early closes the Python generator. */
  readonly executeStream: <Item = unknown>(
    tool: string,
    args?: ToolArguments,
    options?: EffectCallOptions,
  ) => Stream.Stream<Item, SessionCallError>;
  /** Lets Python call a function in this session by its name, until the scope closes. Fails with InvalidOptions for a name that is taken. */
  readonly provide: <R = never>(
    name: string,
    fn: EffectFunction<R>,
    options?: HostToolOptions,
  ) => Effect.Effect<void, InvalidOptions | SessionClosed | SessionNotFound | SessionExpired, R | Scope.Scope>;
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
const sessionOf = (handle: SessionHandle): Session => ({
  id: handle.id,
  metadata: handle.metadata,
  variables: handle.variables,
  execute: <Result>(tool: string, args?: ToolArguments, options?: EffectCallOptions) =>
    Effect.flatMap(present(handle), (presence) => callEffect<Result>(presence, tool, args, options)),
  executeStream: <Item>(tool: string, args?: ToolArguments, options?: EffectCallOptions) =>
    Stream.unwrap(Effect.map(present(handle), (presence) => itemStream<Item>(presence, tool, args, options))),
  provide: <R>(name: string, fn: EffectFunction<R>, options?: HostToolOptions) =>
    Effect.contextWith((context: Context.Context<R>) =>
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.try({
            try: () => handle.provide(name, plainFunction(fn, context), options),
            catch: familyOnly<InvalidOptions | SessionClosed | SessionNotFound | SessionExpired>,
          }),
          (remove) => Effect.sync(remove),
        ),
      ),
    ),
  info: handle.info,
  end: handle.end,
});

const present = (handle: SessionHandle): Effect.Effect<Presence, SessionError> =>
  Effect.flatMap(Clock.currentTimeMillis, (now) => {
    const presence = handle.presentNow(now);
    return presence === undefined ? handle.present : Effect.succeed(presence);
  });
