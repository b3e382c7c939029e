/** Sessions, variables and changes as the messages of GatewayService have them, for programs. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { SessionInfo } from "../api/sessions.ts";
import type { Constraints, Source, VariableChange, VariableEntry } from "../api/variables.ts";
import { InvalidOptions, ProtocolError } from "../errors/index.ts";
import { Source_Side, VariableChange_Kind } from "../gen/snakepit/v1/session_pb.ts";
import * as json from "../tool/json.ts";
import { decode } from "../value/index.ts";
import { dateOf, objectOf, type SessionStateMessage, type SourceMessage, type VariableStateMessage, type WatchMessage } from "./schema.ts";

/** What the gateway says for a session that lives for ever: as long as its numbers are exact. */
const FOR_EVER_MS = Number.MAX_SAFE_INTEGER;

/** How long a session is to live, as a request says it. 0 for the default. */
export const ttlMessage = (ttlMs: number | undefined): number => (ttlMs === undefined ? 0 : Math.min(Math.ceil(ttlMs), FOR_EVER_MS));

/** A session as programs see it. */
export function sessionInfo(state: SessionStateMessage | undefined, handlesOf: (id: string) => number): SessionInfo {
  const { id, metadata, ttlMs, createdAt, usedAt, variables, bytes } = there(state, "session");
  return {
    id,
    metadata,
    ttlMs: ttlMs >= FOR_EVER_MS ? Number.POSITIVE_INFINITY : ttlMs,
    createdAt: dateOf(createdAt),
    usedAt: dateOf(usedAt),
    variables,
    bytes,
    handles: handlesOf(id),
  };
}

/** A variable as programs see it. What it holds has the type that the caller says it has. */
export function variableEntry<Value>(state: VariableStateMessage | undefined): VariableEntry<Value> {
  const { id, name, type, version, constraints, metadata, source, at, valueMsgpack } = there(state, "variable");
  return {
    id,
    name,
    type,
    value: decode(there(valueMsgpack, "value")) as Value,
    version,
    // As the gateway has checked them when the variable was made.
    constraints: constraints === undefined ? {} : (objectOf(constraints) as Constraints),
    metadata,
    source: sourceOf(source),
    at: dateOf(at),
  };
}

/** A change as programs see it; undefined for the message that only says that the watch stands. */
export function variableChange(message: WatchMessage): VariableChange | undefined {
  const { kind, variable, coalesced } = message;
  const at = dateOf(message.at);
  if (kind === VariableChange_Kind.UNSPECIFIED) return undefined;
  return kind === VariableChange_Kind.ENDED
    ? sessionEnded(at)
    : changeOf(kind === VariableChange_Kind.SET ? "set" : "deleted", variable, at, coalesced);
}

/** The last change that a watch gives. */
export const sessionEnded = (at: Date): VariableChange => ({
  kind: "ended",
  name: "",
  id: "",
  value: undefined,
  version: 0,
  source: undefined,
  at,
  coalesced: 0,
});

/** A change of a variable. */
export function changeOf(kind: "set" | "deleted", state: VariableStateMessage | undefined, at: Date, coalesced: number): VariableChange {
  const { id, name, value, version, source } = variableEntry(state);
  return { kind, name, id, value, version, source, at, coalesced };
}

/** Constraints as the messages have them. Throws InvalidOptions for what is no JSON. */
export function constraintsMessage(constraints: Constraints): JsonObject {
  const given = Object.fromEntries(Object.entries(constraints).filter(([, value]) => value !== undefined));
  const fault = json.notJson(given, "constraints");
  if (fault !== undefined) throw new InvalidOptions({ option: fault, expected: "JSON" });
  return JSON.parse(JSON.stringify(given, refuseBigint));
}

/** Constraints are numbers to both languages as they are to JavaScript, which would not keep the digits of such an integer. */
function refuseBigint(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") throw new InvalidOptions({ option: "constraints", expected: "JSON without bigints" });
  return value;
}

function sourceOf(source: SourceMessage | undefined): Source {
  if (source?.side !== Source_Side.PYTHON) return { side: "typescript" };
  const { workerId, tool, call } = source;
  return { side: "python", worker: workerId, ...(tool !== "" && { tool }), ...(call !== 0 && { call }) };
}

function there<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new ProtocolError({ reason: `an answer has no ${name}` });
  return part;
}
