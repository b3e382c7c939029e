/** What sessions and their variables may be given, and the check that it makes sense. */
import { InvalidOptions } from "../errors/index.ts";
import * as json from "../tool/json.ts";
import { type Check, type Checks, checkOptions, whole } from "./check.ts";
import type { Affinity, SessionOptions } from "./sessions.ts";
import type { SetManyOptions, SetOptions, VariableDefinition, WatchOptions } from "./variables.ts";

/** Variables that one batch may read or write. */
export const BATCH_SIZE = 1_000;

/** Length of the name of a variable and of the id of a session, in characters. */
export const NAME_LENGTH = 200;

const version = whole(0);
const areVersions = (value: unknown): boolean => json.isObject(value) && Object.values(value).every(version.ok);
const boolean: Check = { expected: "true or false", ok: (value) => typeof value === "boolean" };

/** A time to live. */
export const ttl: Check = { expected: "a number of milliseconds above 0", ok: (value) => typeof value === "number" && value > 0 };

const metadata: Check = {
  expected: "an object of strings",
  ok: (value) => json.isObject(value) && Object.values(value).every((text) => typeof text === "string" && text.isWellFormed()),
};

const affinities: ReadonlySet<unknown> = new Set<Affinity>(["hint", "strict-queue", "strict-fail"]);
const sessionChecks: Checks<SessionOptions> = {
  ttlMs: ttl,
  metadata,
  affinity: { expected: '"hint", "strict-queue" or "strict-fail"', ok: (value) => affinities.has(value) },
};
const definitionChecks: Checks<VariableDefinition> = {
  type: { expected: "the name of a type", ok: (value) => typeof value === "string" && value !== "" },
  value: { expected: "there", ok: () => true },
  constraints: { expected: "an object", ok: json.isObject },
  metadata,
  ifNotExists: boolean,
};
const setChecks: Checks<SetOptions> = { expectedVersion: version, metadata };
const setManyChecks: Checks<SetManyOptions> = {
  atomic: boolean,
  expectedVersions: { expected: "an object of whole numbers from 0", ok: areVersions },
  metadata,
};
const watchChecks: Checks<WatchOptions> = { seen: { expected: "an object of versions by id", ok: areVersions } };

/** Throws InvalidOptions unless these are the id and the options of a session. */
export function checkSession(id: string, options: SessionOptions): void {
  checkName("id", id);
  checkOptions(options, sessionChecks);
}

/** The definition. Throws InvalidOptions unless it is one. */
export function checkDefinition(name: string, definition: VariableDefinition): VariableDefinition {
  checkName("name", name);
  checkOptions(definition, definitionChecks);
  if (definition.type === undefined) throw new InvalidOptions({ option: "type", expected: "the name of a type" });
  return definition;
}

/** Throws InvalidOptions unless these are options of a change. */
export const checkSet = (options: SetOptions): void => checkOptions(options, setChecks);

/** Throws InvalidOptions unless these are options of a watch. */
export const checkWatch = (options: WatchOptions): void => checkOptions(options, watchChecks);

/** Throws InvalidOptions unless these are the values and the options of a batch. */
export function checkSetMany(values: object, options: SetManyOptions): void {
  if (!json.isObject(values)) throw new InvalidOptions({ option: "values", expected: "an object by name" });
  checkBatch("values", Object.keys(values).length);
  checkOptions(options, setManyChecks);
}

/** Throws InvalidOptions unless these are names or ids of variables. They need not be good ones: there is just no such variable then. */
export function checkNames(names: unknown): void {
  if (!json.isArray(names) || !names.every(json.isText)) throw new InvalidOptions({ option: "names", expected: "an array of names" });
}

/** Throws InvalidOptions for a batch that is too large. */
export function checkBatch(option: string, size: number): void {
  if (size > BATCH_SIZE) throw new InvalidOptions({ option, expected: `at most ${BATCH_SIZE} variables` });
}

function checkName(option: string, name: unknown): void {
  const ok = typeof name === "string" && name !== "" && name.length <= NAME_LENGTH && name.isWellFormed() && !name.includes("\0");
  if (!ok) throw new InvalidOptions({ option, expected: `text of 1 to ${NAME_LENGTH} characters` });
}
