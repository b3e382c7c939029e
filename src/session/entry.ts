/** Variables, changes and sessions as programs see them. */
import type { SessionInfo } from "../api/sessions.ts";
import type { VariableChange, VariableEntry } from "../api/variables.ts";
import { idOf, type SessionRecord, typeOf, type VariableRecord, valueIn } from "./records.ts";
import type { Ended, Watched } from "./watch-buffer.ts";

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
