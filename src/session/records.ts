/** Sessions and variables as a store keeps them. */
import type { Metadata, Source } from "../api/variables.ts";
import { compiledType, type VariableType } from "./variable-type.ts";
import { type KeptValue, keptSize, keptValue } from "./variable-value.ts";

/** A session. */
export interface SessionRecord {
  /** The user's name for it. */
  readonly id: string;
  /** Its number in its store, never used twice: a session made again under the same id is another one. */
  readonly serial: number;
  /** How long it lives after its last use, in milliseconds. */
  readonly ttlMs: number;
  /** When it was made, in milliseconds since 1970. */
  readonly createdAt: number;
  /** When it was last used, in milliseconds since 1970. */
  readonly usedAt: number;
  readonly metadata: Metadata;
  /** How many variables it has. */
  readonly variables: number;
  /** What they take. */
  readonly bytes: number;
}

/** A variable. A change makes a new record; none is ever altered. */
export interface VariableRecord {
  /** Its number in its store, never used twice: a variable registered again under the same name is another one. It ends the id. */
  readonly serial: number;
  readonly name: string;
  readonly type: string;
  readonly value: KeptValue;
  /** The constraints as JSON. */
  readonly constraints: string;
  readonly metadata: Metadata;
  /** 0 at registration, one more with every change. */
  readonly version: number;
  readonly source: Source;
  /** When it was last changed, in milliseconds since 1970. */
  readonly at: number;
}

/** Which session is meant: the one of this id, and when `serial` is given only that very one. */
export interface SessionKey {
  readonly id: string;
  readonly serial?: number;
}

/** Where the metadata of a session says whose it is, when it was made through a gateway: its owner's also when the program starts anew. */
export const OWNER = "snakepit.owner";

/** The user's own words about a session: what Python and callers see of its metadata. Who somebody else is, is not their business. */
export function ownMetadata(metadata: Metadata): Record<string, string> {
  const { [OWNER]: _owner, ...own } = metadata;
  return own;
}

/** Metadata that says nothing, shared by all that have none. */
export const noMetadata: Metadata = {};

/** Whether a session is past its time. */
export const isExpired = (session: SessionRecord, now: number): boolean => expiresAt(session) <= now;

/** When a session is past its time, in milliseconds since 1970. */
export const expiresAt = ({ usedAt, ttlMs }: Pick<SessionRecord, "usedAt" | "ttlMs">): number =>
  Math.min(usedAt + ttlMs, Number.MAX_SAFE_INTEGER);

/** The id of a variable: "var_<name>_<serial>". */
export const idOf = ({ name, serial }: Pick<VariableRecord, "name" | "serial">): string => `var_${name}_${serial}`;

/** The name and the serial that an id is made of; undefined when it is no id. */
export function partsOf(id: string): Pick<VariableRecord, "name" | "serial"> | undefined {
  const parts = id.startsWith("var_") ? /^var_(.+)_([1-9]\d{0,14})$/s.exec(id) : null;
  return parts?.[1] === undefined ? undefined : { name: parts[1], serial: Number(parts[2]) };
}

/** What a variable counts for in the quota of its session. */
export function bytesOf(variable: VariableRecord): number {
  return keptSize(variable.value) + 2 * (variable.name.length + variable.constraints.length) + metadataBytes(variable.metadata);
}

function metadataBytes(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, value] of Object.entries(metadata)) bytes += 2 * (key.length + value.length);
  return bytes;
}

/** The type of a variable, ready to check values. */
export const typeOf = (variable: VariableRecord): VariableType => compiledType(variable.type, variable.constraints);

/** The value of a variable. */
export const valueIn = (variable: VariableRecord): unknown => keptValue(variable.value);
