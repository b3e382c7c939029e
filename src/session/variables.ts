/** The variables of one session, for programs written with Effect and for what stands on them. */
import { Cause, Effect, type Scope, Stream } from "effect";
import { checkBatch, checkDefinition, checkNames, checkSet, checkSetMany, checkWatch } from "../api/session-options.ts";
import type {
  Constraints,
  ReadOutcome,
  SetManyOptions,
  SetOptions,
  Source,
  VariableChange,
  VariableDefinition,
  VariableEntry,
  WatchOptions,
  WriteOutcome,
} from "../api/variables.ts";
import { familyOnly } from "../errors/family.ts";
import { type SnakepitError, VariableNotFound, VersionConflict } from "../errors/index.ts";
import * as commands from "./commands.ts";
import { changeOf, entryOf } from "./entry.ts";
import type { SessionError, VariableError } from "./errors.ts";
import type { SessionsSettings } from "./options.ts";
import { noMetadata, type SessionKey, type VariableRecord, valueIn } from "./records.ts";
import type { Decide, Loaded, StoreService, Wanted } from "./store.ts";
import { describeType } from "./variable-type.ts";
import { encodeValue } from "./variable-value.ts";
import { WatchBuffer } from "./watch-buffer.ts";

/** A variable to be made, as it comes over the wire. */
export interface EncodedDefinition extends Omit<commands.Registration, "type"> {
  readonly type: string;
  readonly constraints: Constraints;
}

/** The session that variables belong to. */
export interface SessionUse {
  readonly key: SessionKey;
  readonly store: StoreService;
  readonly use: <A, E>(operation: (now: number) => Effect.Effect<A, E | SessionError>) => Effect.Effect<A, E | SessionError>;
  readonly attach: (buffer: WatchBuffer) => Effect.Effect<void, never, Scope.Scope>;
}

/** Typed, validated and versioned values that TypeScript and Python share. A variable is named by its name or its id. */
export class Variables {
  readonly #session: SessionUse;
  readonly #settings: SessionsSettings;
  readonly #source: Source;

  /** @param source - Who makes the changes that go through here. */
  constructor(session: SessionUse, settings: SessionsSettings, source: Source) {
    this.#session = session;
    this.#settings = settings;
    this.#source = source;
  }

  /** Makes a variable, at version 0. Fails with VariableExists, VariableInvalid, QuotaExceeded, or InvalidOptions for a type that makes no sense. */
  register<Value = unknown>(name: string, definition: VariableDefinition): Effect.Effect<VariableEntry<Value>, VariableError> {
    return attempt(() => {
      const { type, value, constraints = {}, metadata, ifNotExists } = checkDefinition(name, definition);
      return { name, type, value: encodeValue(value), constraints, metadata: metadata ?? noMetadata, ifNotExists: ifNotExists ?? false };
    }).pipe(
      Effect.flatMap((encoded) => this.make(encoded)),
      Effect.map(entryOf<Value>),
    );
  }

  /** The value. Fails with VariableNotFound. */
  get<Value = unknown>(name: string): Effect.Effect<Value, VariableError> {
    // What a variable holds has the type that the caller says it has.
    return Effect.map(this.record(name), (variable) => valueIn(variable) as Value);
  }

  /** The variable with everything that is known about it. Fails with VariableNotFound. */
  entry<Value = unknown>(name: string): Effect.Effect<VariableEntry<Value>, VariableError> {
    return Effect.map(this.record(name), entryOf<Value>);
  }

  /** Changes the value and answers the new version. Fails with VariableNotFound, VariableInvalid, VersionConflict or QuotaExceeded. */
  set(name: string, value: unknown, options: SetOptions = {}): Effect.Effect<number, VariableError> {
    return attempt((): commands.Update => {
      checkSet(options);
      return { name, value: encodeValue(value), ...options };
    }).pipe(
      Effect.flatMap((update) => this.#change([name], (now) => commands.set(update, this.#circumstances(now)))),
      Effect.map(({ version }) => version),
    );
  }

  /**
   * Computes the new value from the present one and answers it. When somebody else was quicker it starts again from theirs, so `change` may be called
   * several times.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as with JSON.parse, the program alone knows what is in there; unknown would refuse (t) => t + 0.1
  update<Value = any>(
    name: string,
    change: (value: Value) => Value,
    options: Omit<SetOptions, "expectedVersion"> = {},
  ): Effect.Effect<Value, VariableError> {
    const once = this.entry<Value>(name).pipe(
      Effect.flatMap(({ id, value, version }) => {
        const next = change(value);
        // By its id: a variable that was made anew meanwhile is another one.
        return Effect.as(this.set(id, next, { ...options, expectedVersion: version }), next);
      }),
    );
    return Effect.retry(once, { while: (error) => error instanceof VersionConflict });
  }

  /** Reads up to 1,000 variables at one point in time. */
  getMany(names: readonly string[]): Effect.Effect<ReadOutcome, VariableError> {
    return this.#named(names, () => this.load(names)).pipe(
      Effect.map(({ variables }) => ({
        values: Object.fromEntries(Array.from(variables, ([name, variable]) => [name, valueIn(variable)])),
        missing: names.filter((name) => !variables.has(name)),
      })),
    );
  }

  /** Changes up to 1,000 variables: all of them or none, which fails with BatchFailed; or those that can be changed, when `atomic` is false. */
  setMany(values: Readonly<Record<string, unknown>>, options: SetManyOptions = {}): Effect.Effect<WriteOutcome, VariableError> {
    const { atomic = true, expectedVersions = {}, metadata } = options;
    return attempt(() => {
      checkSetMany(values, options);
      const expected = new Map(Object.entries(expectedVersions));
      return Object.entries(values).map(([name, value]): commands.Update => {
        return { name, value: encodeOrFailure(value), expectedVersion: expected.get(name), metadata };
      });
    }).pipe(
      Effect.flatMap((updates) => this.writeBatch(updates, atomic)),
      Effect.map(({ changed, errors }) => ({
        versions: Object.fromEntries(Array.from(changed, ([name, { version }]) => [name, version])),
        errors: Object.fromEntries(errors),
      })),
    );
  }

  /** Removes a variable. False when there was none. */
  delete(name: string): Effect.Effect<boolean, VariableError> {
    return Effect.map(
      this.#change([name], () => commands.remove(name)),
      (removed) => removed !== undefined,
    );
  }

  /** Every variable, in the order they were made. */
  get list(): Effect.Effect<readonly VariableEntry[], VariableError> {
    return Effect.map(this.load("all"), ({ variables }) => Array.from(variables.values(), entryOf<unknown>));
  }

  /**
   * The current values, then every change in the order of the versions. Ends when the session ends, after a change of kind "ended", and when its handle
   * closes. Who is more than 1,024 changes behind gets the newest value of each variable instead, with the number of those left out in `coalesced`.
   *
   * @param names - By name or id, also such that are yet to be made. Default: all variables.
   * @param options - What an earlier watch has seen, to go on from there.
   */
  watch<Value = unknown>(names?: readonly string[], options: WatchOptions = {}): Stream.Stream<VariableChange<Value>, VariableError> {
    return Stream.unwrap(
      Effect.map(this.watchingSince(names, options), (buffer) =>
        Stream.fromPull(Effect.succeed(Effect.map(pull(buffer), (change): readonly [VariableChange<Value>] => [changeOf<Value>(change)]))),
      ),
    );
  }

  /** A buffer that fills with what {@link watch} gives, until the scope closes. */
  watchingSince(names: readonly string[] | undefined, options: WatchOptions): Effect.Effect<WatchBuffer, VariableError, Scope.Scope> {
    const seen = attempt(() => {
      checkWatch(options);
      return new Map(Object.entries(options.seen ?? {}));
    });
    return Effect.flatMap(seen, (versions) => this.watching(names, versions));
  }

  /** The same, with what an earlier watch has seen: versions by id. */
  watching(
    names: readonly string[] | undefined,
    seen: ReadonlyMap<string, number>,
  ): Effect.Effect<WatchBuffer, VariableError, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      const buffer = new WatchBuffer(names, seen);
      const { store } = this.#session;
      if (names !== undefined) yield* attempt(() => checkNames(names));
      const { session } = yield* this.load([]);
      yield* this.#session.attach(buffer);
      yield* store.listen(session, buffer.hear);
      // Of this very session: what is listened to has to be what is read.
      const { variables } = yield* this.#session.use((now) => store.load(session, names ?? "all", now));
      buffer.start(variables.values());
      return buffer;
    });
  }

  /** The record of a variable. Fails with VariableNotFound. */
  record(name: string): Effect.Effect<VariableRecord, VariableError> {
    const loading = this.#named([name], () => this.load([name]));
    return Effect.flatMap(loading, ({ variables }) => {
      const variable = variables.get(name);
      return variable === undefined ? Effect.fail(new VariableNotFound({ variable: name })) : Effect.succeed(variable);
    });
  }

  /** The records of variables. */
  load(wanted: Wanted): Effect.Effect<Loaded, VariableError> {
    const { store, key } = this.#session;
    return this.#session.use((now) => store.load(key, wanted, now));
  }

  /** Makes a variable whose value is encoded already. */
  make({ type, constraints, ...rest }: EncodedDefinition): Effect.Effect<VariableRecord, VariableError> {
    return attempt(() => ({ ...rest, type: describeType(type, constraints, rest.value) })).pipe(
      Effect.flatMap((registration) => this.#change([rest.name], (now) => commands.register(registration, this.#circumstances(now)))),
    );
  }

  /** Changes variables whose values are encoded already. */
  writeBatch(updates: readonly commands.Update[], atomic: boolean): Effect.Effect<commands.BatchOutcome, VariableError> {
    const names = updates.map(({ name }) => name);
    return this.#change(names, (now) => commands.setMany(updates, atomic, this.#circumstances(now)));
  }

  #named<A>(names: readonly string[], then: () => Effect.Effect<A, VariableError>): Effect.Effect<A, VariableError> {
    const checked = attempt(() => {
      checkNames(names);
      checkBatch("names", names.length);
    });
    return Effect.andThen(checked, Effect.suspend(then));
  }

  #change<A>(names: readonly string[], decide: (now: number) => Decide<A>): Effect.Effect<A, VariableError> {
    const { store, key } = this.#session;
    // Which members the decisions throw stands with them; the compiler does not follow exceptions.
    const changing = () => this.#session.use((now) => store.change(key, names, now, decide(now)) as Effect.Effect<A, VariableError>);
    return this.#named(names, changing);
  }

  #circumstances(now: number): commands.Circumstances {
    const { maxVariables, maxSessionBytes } = this.#settings;
    return { source: this.#source, now, maxVariables, maxSessionBytes };
  }
}

const attempt = <A>(run: () => A): Effect.Effect<A, VariableError> => Effect.try({ try: run, catch: asVariableError });

// Which members can come stands where programs read it; the compiler does not follow exceptions.
const asVariableError = (error: unknown): VariableError => familyOnly<SnakepitError>(error) as VariableError;

/** In a batch, what cannot be encoded is the failure of its own variable. */
function encodeOrFailure(value: unknown): Uint8Array | SnakepitError {
  try {
    return encodeValue(value);
  } catch (error) {
    return familyOnly(error);
  }
}

/** The next change of a buffer, as soon as there is one. */
function pull(buffer: WatchBuffer) {
  return Effect.callback<NonNullable<ReturnType<WatchBuffer["take"]>>, Cause.Done>((resume) => {
    const next = (): void => {
      const change = buffer.take();
      resume(change === undefined ? Cause.done() : Effect.succeed(change));
    };
    const forget = buffer.whenReady(next);
    return Effect.sync(forget);
  });
}
