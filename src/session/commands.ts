/** What may happen to the variables of a session: decisions about a change, made from what is there and nothing else. */
import type { Metadata, Source } from "../api/variables.ts";
import {
  BatchFailed,
  isSnakepitError,
  QuotaExceeded,
  type SnakepitError,
  VariableExists,
  VariableNotFound,
  VersionConflict,
} from "../errors/index.ts";
import { bytesOf, noMetadata, typeOf, type VariableRecord } from "./records.ts";
import type { Decide, Loaded } from "./store.ts";
import type { VariableType } from "./variable-type.ts";
import { fitValue } from "./variable-value.ts";

/** What the variables of one session may come to. */
export interface Quotas {
  /** Variables of one session. */
  readonly maxVariables: number;
  /** What they take. */
  readonly maxSessionBytes: number;
}

/** Who changes something, when, and within which quotas. */
export interface Circumstances extends Quotas {
  readonly source: Source;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A variable to be made. */
export interface Registration {
  readonly name: string;
  readonly type: VariableType;
  /** MessagePack. */
  readonly value: Uint8Array;
  readonly metadata: Metadata;
  /** Answer the one that is there instead of failing. */
  readonly ifNotExists: boolean;
}

/** A change of one variable. */
export interface Update {
  /** Name or id. */
  readonly name: string;
  /** MessagePack, or why there is none. */
  readonly value: Uint8Array | SnakepitError;
  /** The change fails with VersionConflict when the variable has another version. */
  readonly expectedVersion?: number | undefined;
  /** Merged into what is there. */
  readonly metadata?: Metadata | undefined;
}

/** What became of a batch, by the names that were given. */
export interface BatchOutcome {
  /** The variables that were changed, as they are now. */
  readonly changed: ReadonlyMap<string, VariableRecord>;
  /** Why the others were not. */
  readonly errors: ReadonlyMap<string, SnakepitError>;
}

/** Makes a variable. Fails with VariableExists, VariableInvalid or QuotaExceeded. */
export const register =
  ({ name, type, value, metadata, ifNotExists }: Registration, { source, now, ...quotas }: Circumstances): Decide<VariableRecord> =>
  ({ session, variables }, nextSerial) => {
    const there = variables.get(name);
    // An id leads to its variable too, and that is another one when the names differ.
    if (there?.name === name) {
      if (!ifNotExists) throw new VariableExists({ variable: name });
      return { puts: [], deletes: [], bytes: session.bytes, answer: there };
    }
    const fit = fitValue(name, type, value);
    if (session.variables >= quotas.maxVariables) throw new QuotaExceeded({ quota: "maxVariables", limit: quotas.maxVariables });
    const serial = nextSerial();
    const made: VariableRecord = {
      serial,
      name,
      type: type.name,
      value: fit,
      constraints: type.constraintsJson,
      metadata,
      version: 0,
      source,
      at: now,
    };
    return { puts: [made], deletes: [], bytes: within(session.bytes + bytesOf(made), quotas), answer: made };
  };

/** Changes one variable. Fails with VariableNotFound, VariableInvalid, VersionConflict or QuotaExceeded. */
export const set =
  (update: Update, circumstances: Circumstances): Decide<VariableRecord> =>
  ({ session, variables }) => {
    const before = variables.get(update.name);
    const after = changed(before, update, circumstances);
    const bytes = within(session.bytes + growth(before, after), circumstances);
    return { puts: [after], deletes: [], bytes, answer: after };
  };

/**
 * Changes many variables. When `atomic`, one that cannot be changed fails the batch with BatchFailed, which has an error for each such; otherwise the
 * others are changed. Two changes of one variable happen in their order.
 */
export const setMany =
  (updates: readonly Update[], atomic: boolean, circumstances: Circumstances): Decide<BatchOutcome> =>
  (loaded) => {
    const current = new Map(Array.from(loaded.variables.values(), (variable) => [variable.serial, variable]));
    const outcome = { changed: new Map<string, VariableRecord>(), errors: new Map<string, SnakepitError>() };
    const puts: VariableRecord[] = [];
    let bytes = loaded.session.bytes;
    for (const update of updates) {
      const found = loaded.variables.get(update.name);
      const before = found === undefined ? undefined : current.get(found.serial);
      try {
        const after = changed(before, update, circumstances);
        bytes = within(bytes + growth(before, after), circumstances);
        current.set(after.serial, after);
        puts.push(after);
        outcome.changed.set(update.name, after);
      } catch (error) {
        if (!isSnakepitError(error)) throw error;
        outcome.errors.set(update.name, error);
      }
    }
    if (atomic && outcome.errors.size > 0) throw batchFailed(outcome.errors);
    return { puts, deletes: [], bytes, answer: outcome };
  };

/** Removes a variable. The answer is what it was; undefined when there was none. */
export const remove =
  (name: string): Decide<VariableRecord | undefined> =>
  ({ session, variables }: Loaded) => {
    const there = variables.get(name);
    const deletes = there === undefined ? [] : [there];
    return { puts: [], deletes, bytes: session.bytes - (there === undefined ? 0 : bytesOf(there)), answer: there };
  };

function changed(before: VariableRecord | undefined, update: Update, { source, now }: Circumstances): VariableRecord {
  if (before === undefined) throw new VariableNotFound({ variable: update.name });
  const { expectedVersion: expected } = update;
  if (expected !== undefined && expected !== before.version) {
    throw new VersionConflict({ variable: before.name, expected, actual: before.version });
  }
  if (!(update.value instanceof Uint8Array)) throw update.value;
  const value = fitValue(before.name, typeOf(before), update.value);
  const added = update.metadata ?? noMetadata;
  const metadata = Object.keys(added).length === 0 ? before.metadata : { ...before.metadata, ...added };
  return { ...before, value, metadata, version: before.version + 1, source, at: now };
}

const growth = (before: VariableRecord | undefined, after: VariableRecord): number =>
  bytesOf(after) - (before === undefined ? 0 : bytesOf(before));

function within(bytes: number, { maxSessionBytes: limit }: Quotas): number {
  if (bytes > limit) throw new QuotaExceeded({ quota: "maxSessionBytes", limit });
  return bytes;
}

function batchFailed(errors: ReadonlyMap<string, SnakepitError>): BatchFailed {
  const [first] = errors.values();
  return new BatchFailed({ errors: Object.fromEntries(Array.from(errors, ([name, error]) => [name, error.message])) }, { cause: first });
}
