/** What sessions and their variables may be given, and the check that it makes sense. */
import { InvalidOptions } from "../errors/index.ts";
import type { Affinity } from "../pool/call-session.ts";
import * as json from "../tool/json.ts";
import { constants, defaults } from "./defaults.ts";
import type { Metadata } from "./records.ts";
import type { BuiltInType, Constraints } from "./variable-type.ts";

/** Options of everything about sessions. */
export interface SessionsOptions {
  /** How long a session lives after its last use, in milliseconds; Infinity for ever. Default 1 h. */
  readonly ttlMs?: number | undefined;
  /** How often sessions past their time are removed, in milliseconds. Default 5 min. One that is used past its time fails at once all the same. */
  readonly cleanupIntervalMs?: number | undefined;
  /** Most sessions in the store. Default 10,000. */
  readonly maxSessions?: number | undefined;
  /** Most variables of one session. Default 10,000. */
  readonly maxVariables?: number | undefined;
  /** Most bytes that the variables of one session take: values, names, metadata and constraints. Default 64 MiB. */
  readonly maxSessionBytes?: number | undefined;
}

/** Options of one session. */
export interface SessionOptions {
  /** How long it lives after its last use, in milliseconds; Infinity for ever. Default: that of all sessions; one that is there keeps its own. */
  readonly ttlMs?: number | undefined;
  /** The program's own words about it, merged into what is there. */
  readonly metadata?: Metadata | undefined;
  /** Where its calls go; what is given last counts for all handles of the session. Default "hint". */
  readonly affinity?: Affinity | undefined;
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

/** Options of everything about sessions, with every default filled in. */
export type SessionsSettings = { readonly [Name in keyof SessionsOptions]-?: number };

type Checks<Options> = Readonly<Record<keyof Options, readonly [expected: string, ok: (value: unknown) => boolean]>>;

/** Longest time that the runtimes' timers hold: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;
const isWhole = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0;
const whole = ["a whole number from 0", isWhole] as const;
const boolean = ["true or false", (value: unknown) => typeof value === "boolean"] as const;
const ttl = ["a number of milliseconds above 0", (value: unknown) => typeof value === "number" && value > 0] as const;
const interval = [
  `a number of milliseconds above 0, at most ${LONGEST_MS}`,
  (value: unknown) => typeof value === "number" && value > 0 && value <= LONGEST_MS,
] as const;
const metadata = [
  "an object of strings",
  (value: unknown) => json.isObject(value) && Object.values(value).every((text) => typeof text === "string" && text.isWellFormed()),
] as const;
const anything = ["there", () => true] as const;

const sessionsChecks: Checks<SessionsOptions> = {
  ttlMs: ttl,
  cleanupIntervalMs: interval,
  maxSessions: whole,
  maxVariables: whole,
  maxSessionBytes: whole,
};
const affinities: ReadonlySet<unknown> = new Set<Affinity>(["hint", "strict-queue", "strict-fail"]);
const sessionChecks: Checks<SessionOptions> = {
  ttlMs: ttl,
  metadata,
  affinity: ['"hint", "strict-queue" or "strict-fail"', (value) => affinities.has(value)],
};
const definitionChecks: Checks<VariableDefinition> = {
  type: ["the name of a type", (value) => typeof value === "string" && value !== ""],
  value: anything,
  constraints: ["an object", json.isObject],
  metadata,
  ifNotExists: boolean,
};
const setChecks: Checks<SetOptions> = { expectedVersion: whole, metadata };
const setManyChecks: Checks<SetManyOptions> = {
  atomic: boolean,
  expectedVersions: ["an object of whole numbers from 0", (value) => json.isObject(value) && Object.values(value).every(isWhole)],
  metadata,
};

const watchChecks: Checks<WatchOptions> = {
  seen: ["an object of versions by id", (value) => json.isObject(value) && Object.values(value).every(isWhole)],
};

/** Throws InvalidOptions for the first option that is unknown or makes no sense. One that is undefined is one that is not given. */
function check<Options extends object>(options: Options, checks: Checks<Options>): void {
  if (typeof options !== "object" || options === null) throw new InvalidOptions({ option: "options", expected: "an object" });
  const known = new Map(Object.entries<(typeof checks)[keyof Options]>(checks));
  for (const [option, value] of Object.entries(options)) {
    const rule = known.get(option);
    if (rule === undefined) throw new InvalidOptions({ option, expected: `left out: the options are ${[...known.keys()].join(", ")}` });
    const [expected, ok] = rule;
    if (value !== undefined && !ok(value)) throw new InvalidOptions({ option, expected });
  }
}

/** Fills in the defaults. Throws InvalidOptions. */
export function sessionsSettings(options: SessionsOptions): SessionsSettings {
  check(options, sessionsChecks);
  return {
    ttlMs: options.ttlMs ?? defaults.ttlMs,
    cleanupIntervalMs: options.cleanupIntervalMs ?? defaults.cleanupIntervalMs,
    maxSessions: options.maxSessions ?? defaults.maxSessions,
    maxVariables: options.maxVariables ?? defaults.maxVariables,
    maxSessionBytes: options.maxSessionBytes ?? defaults.maxSessionBytes,
  };
}

/** Throws InvalidOptions unless these are the id and the options of a session. */
export function checkSession(id: string, options: SessionOptions): void {
  checkName("id", id);
  check(options, sessionChecks);
}

/** The definition. Throws InvalidOptions unless it is one. */
export function checkDefinition(name: string, definition: VariableDefinition): VariableDefinition {
  checkName("name", name);
  check(definition, definitionChecks);
  if (definition.type === undefined) throw new InvalidOptions({ option: "type", expected: "the name of a type" });
  return definition;
}

/** Throws InvalidOptions unless these are options of a change. */
export const checkSet = (options: SetOptions): void => check(options, setChecks);

/** Throws InvalidOptions unless these are options of a watch. */
export const checkWatch = (options: WatchOptions): void => check(options, watchChecks);

/** Throws InvalidOptions unless these are the values and the options of a batch. */
export function checkSetMany(values: object, options: SetManyOptions): void {
  if (!json.isObject(values)) throw new InvalidOptions({ option: "values", expected: "an object by name" });
  checkBatch("values", Object.keys(values).length);
  check(options, setManyChecks);
}

/** Throws InvalidOptions unless these are names or ids of variables. They need not be good ones: there is just no such variable then. */
export function checkNames(names: unknown): void {
  if (!json.isArray(names) || !names.every(json.isText)) throw new InvalidOptions({ option: "names", expected: "an array of names" });
}

/** Throws InvalidOptions for a batch that is too large. */
export function checkBatch(option: string, size: number): void {
  if (size > constants.batchSize) throw new InvalidOptions({ option, expected: `at most ${constants.batchSize} variables` });
}

function checkName(option: string, name: unknown): void {
  const ok = typeof name === "string" && name !== "" && name.length <= constants.nameLength && name.isWellFormed() && !name.includes("\0");
  if (!ok) throw new InvalidOptions({ option, expected: `text of 1 to ${constants.nameLength} characters` });
}
