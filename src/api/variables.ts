/** Variables of a session, wherever it is kept. */
import type { SnakepitError } from "../errors/index.ts";

/** The types there are. Any other name is a type of its own when a schema stands among the constraints. */
export const types = ["float", "integer", "string", "boolean", "json", "bytes", "embedding", "choice", "list"] as const;

/** A type that needs no schema. */
export type BuiltInType = (typeof types)[number];

/** What else a value must be. The names are the same in Python and on the wire. */
export interface Constraints {
  /** Smallest number. For float and integer. */
  readonly min?: number;
  /** Largest number. For float and integer. */
  readonly max?: number;
  /** The only values. For choice, where it must be given, and for float, integer and string. */
  readonly choices?: readonly (string | number | boolean)[];
  /** A regular expression that is found in the text. For string. */
  readonly pattern?: string;
  /** Fewest characters, bytes or elements. For string, bytes and list. */
  readonly min_length?: number;
  /** Most characters, bytes or elements. For string, bytes and list. */
  readonly max_length?: number;
  /** Numbers in an embedding. Default: as many as the first value has. */
  readonly dimensions?: number;
  /** A JSON Schema. For json, and for every type that is not built in. */
  readonly schema?: object | boolean;
}

/** The user's own words about a session or a variable. */
export type Metadata = Readonly<Record<string, string>>;

/** Who made a change. */
export interface Source {
  /** The side of the wire. */
  readonly side: "typescript" | "python";
  /** The worker that made it, when Python did. */
  readonly worker?: string;
  /** The tool that made it, when one did. */
  readonly tool?: string;
  /** The call of that tool, by a number that its worker gives to no other call at the time. */
  readonly call?: number;
}

/** A variable to be made. */
export interface VariableDefinition {
  /** What it holds. A name that is not built in needs a schema among the constraints. */
  readonly type: BuiltInType | (string & {});
  /** Its first value. */
  readonly value: unknown;
  /** What else its values must be. */
  readonly constraints?: Constraints | undefined;
  /** The program's own words about it. */
  readonly metadata?: Metadata | undefined;
  /** Answer the one that is there instead of failing with VariableExists. Default false. */
  readonly ifNotExists?: boolean | undefined;
}

/** Options of a change. */
export interface SetOptions {
  /** Fails with VersionConflict when the variable has another version. */
  readonly expectedVersion?: number | undefined;
  /** Merged into what is there. */
  readonly metadata?: Metadata | undefined;
}

/** Options of a batch of changes. */
export interface SetManyOptions {
  /** All or nothing. Default true. */
  readonly atomic?: boolean | undefined;
  /** The version that each named variable must have. */
  readonly expectedVersions?: Readonly<Record<string, number>> | undefined;
  /** Merged into what is there, of each. */
  readonly metadata?: Metadata | undefined;
}

/** Options of a watch. */
export interface WatchOptions {
  /**
   * By id, the last version that an earlier watch has seen. What was seen does not come again, and `coalesced` of the first change that comes counts
   * those missed since. Default: nothing was seen.
   */
  readonly seen?: Readonly<Record<string, number>> | undefined;
}

/** A variable with everything that is known about it. */
export interface VariableEntry<Value = unknown> {
  /** "var_<name>_<n>", never used twice. */
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly value: Value;
  /** 0 at registration, one more with every change. */
  readonly version: number;
  readonly constraints: Constraints;
  readonly metadata: Metadata;
  /** Who changed it last. */
  readonly source: Source;
  /** When it was last changed. */
  readonly at: Date;
}

/** Something that a watcher sees. */
export interface VariableChange<Value = unknown> {
  /** "set" for a current or a new value, "deleted" for a variable that is gone, "ended" when the session is gone; nothing comes after that. */
  readonly kind: "set" | "deleted" | "ended";
  /** Name of the variable; empty for "ended". */
  readonly name: string;
  /** Its id; empty for "ended". A variable that is registered again has another one. */
  readonly id: string;
  /** Its value; for "deleted" the last one, for "ended" undefined. */
  readonly value: Value;
  /** Its version; for "ended" 0. */
  readonly version: number;
  /** Who set it last; for "ended" undefined. */
  readonly source: Source | undefined;
  /** When it happened. */
  readonly at: Date;
  /** How many changes of this variable were left out before this one, because the watcher was slow. */
  readonly coalesced: number;
}

/** What a batch of reads found. */
export interface ReadOutcome {
  /** By the names that were asked for. */
  readonly values: Readonly<Record<string, unknown>>;
  /** Those there are not. */
  readonly missing: readonly string[];
}

/** What became of a batch of changes. */
export interface WriteOutcome {
  /** New version of each variable that was changed, by the name that was given. */
  readonly versions: Readonly<Record<string, number>>;
  /** Why the others were not. Empty when the batch was atomic: then it fails with BatchFailed instead. */
  readonly errors: Readonly<Record<string, SnakepitError>>;
}

/** Typed, validated and versioned values that TypeScript and Python share. A variable is named by its name or its id. */
export interface VariablesLike {
  /**
   * Makes a variable, at version 0.
   *
   * @throws VariableExists, VariableInvalid, QuotaExceeded, or InvalidOptions for a type or a constraint that makes no sense.
   */
  register<Value = unknown>(name: string, definition: VariableDefinition): Promise<VariableEntry<Value>>;
  /** The value. @throws VariableNotFound. */
  get<Value = unknown>(name: string): Promise<Value>;
  /** The variable with everything that is known about it. @throws VariableNotFound. */
  entry<Value = unknown>(name: string): Promise<VariableEntry<Value>>;
  /** Changes the value and answers the new version. @throws VariableNotFound, VariableInvalid, VersionConflict or QuotaExceeded. */
  set(name: string, value: unknown, options?: SetOptions): Promise<number>;
  /**
   * Computes the new value from the present one and answers it. When somebody else was quicker it starts again from theirs, so `change` may be called
   * several times.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as with JSON.parse, the program alone knows what is in there; unknown would refuse (t) => t + 0.1
  update<Value = any>(name: string, change: (value: Value) => Value, options?: Omit<SetOptions, "expectedVersion">): Promise<Value>;
  /** Reads up to 1,000 variables at one point in time. */
  getMany(names: readonly string[]): Promise<ReadOutcome>;
  /**
   * Changes up to 1,000 variables: all of them or none; or those that can be changed, when `atomic` is false.
   *
   * @throws BatchFailed with an error for each that cannot be changed, when `atomic`.
   */
  setMany(values: Readonly<Record<string, unknown>>, options?: SetManyOptions): Promise<WriteOutcome>;
  /** Removes a variable. False when there was none. */
  delete(name: string): Promise<boolean>;
  /** Every variable, in the order they were made. */
  list(): Promise<readonly VariableEntry[]>;
  /**
   * The current values, then every change in the order of the versions, from the first `next` on. Ends when the session ends, after a change of kind
   * "ended", and when its handle closes. Who is more than 1,024 changes behind gets the newest value of each variable instead, with the number of
   * those left out in `coalesced`.
   *
   * @param names - By name or id, also such that are yet to be made. Default: all variables.
   * @param options - What an earlier watch has seen, to go on from there.
   */
  watch<Value = unknown>(names?: readonly string[], options?: WatchOptions): AsyncIterableIterator<VariableChange<Value>>;
}
