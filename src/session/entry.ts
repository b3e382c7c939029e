/** Variables, changes and sessions as programs see them. */
import { idOf, type Metadata, type SessionRecord, type Source, typeOf, type VariableRecord, valueIn } from "./records.ts";
import type { Constraints } from "./variable-type.ts";
import type { Ended, Watched } from "./watch-buffer.ts";

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

/** A session with everything that is known about it. */
export interface SessionInfo {
  readonly id: string;
  readonly metadata: Metadata;
  /** How long it lives after its last use, in milliseconds. */
  readonly ttlMs: number;
  readonly createdAt: Date;
  readonly usedAt: Date;
  /** How many variables it has. */
  readonly variables: number;
  /** What they take. */
  readonly bytes: number;
  /** Open handles in this process. */
  readonly handles: number;
}

/** A variable as programs see it. What it holds has the type that the caller says it has. */
export const entryOf = <Value>(variable: VariableRecord): VariableEntry<Value> => ({
  id: idOf(variable),
  name: variable.name,
  type: variable.type,
  value: valueIn(variable) as Value,
  version: variable.version,
  constraints: typeOf(variable).constraints,
  metadata: variable.metadata,
  source: variable.source,
  at: new Date(variable.at),
});

/** A change as programs see it. What the variable holds has the type that the caller says it has. */
export function changeOf<Value>(change: Watched | Ended): VariableChange<Value> {
  const at = new Date(change.at);
  if (change.kind === "ended") {
    return { kind: "ended", name: "", id: "", value: undefined as Value, version: 0, source: undefined, at, coalesced: 0 };
  }
  const { name, version, source } = change.variable;
  return {
    kind: change.kind,
    name,
    id: idOf(change.variable),
    value: valueIn(change.variable) as Value,
    version,
    source,
    at,
    coalesced: change.coalesced,
  };
}

/** A session as programs see it. */
export const infoOf = (session: SessionRecord, handles: number): SessionInfo => ({
  id: session.id,
  metadata: session.metadata,
  ttlMs: session.ttlMs,
  createdAt: new Date(session.createdAt),
  usedAt: new Date(session.usedAt),
  variables: session.variables,
  bytes: session.bytes,
  handles,
});
