/** The messages of GatewayService that a client sends and reads, and its methods. What stands in JSON alone is left out. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { Detail } from "../errors/detail.ts";
import type { RetryPolicy, ValueForm } from "../gen/snakepit/v1/gateway_pb.ts";
import type { Source_Side, VariableChange_Kind } from "../gen/snakepit/v1/session_pb.ts";
import type { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";

import {
  bool,
  byText,
  bytes,
  double,
  type Field,
  int32,
  int64,
  type MessageType,
  many,
  maybe,
  message,
  messageType,
  oneOf,
  type Shape,
  sint32,
  text,
  uint32,
  uint64,
} from "./protobuf.ts";

/** A method of GatewayService. */
export interface Method<I extends MessageType, O extends MessageType> {
  readonly name: string;
  readonly input: I;
  readonly output: O;
}

const service = "snakepit.v1.GatewayService";
const own = <const F extends Parameters<typeof messageType>[1]>(name: string, fields: F) => messageType(`snakepit.v1.${name}`, fields);
const form = (number: number): Field<ValueForm> => oneOf<ValueForm>(number, "snakepit.v1.ValueForm");

const Timestamp = messageType("google.protobuf.Timestamp", { seconds: int64(1), nanos: int32(2) });
const at = (number: number) => message(number, Timestamp.name, () => Timestamp);

interface StructMessage {
  readonly fields: Record<string, ValueMessage>;
}
interface ValueMessage {
  readonly nullValue?: number | undefined;
  readonly numberValue?: number | undefined;
  readonly stringValue?: string | undefined;
  readonly boolValue?: boolean | undefined;
  readonly structValue?: StructMessage | undefined;
  readonly listValue?: { readonly values: ValueMessage[] } | undefined;
}
const Value: MessageType<ValueMessage> = messageType("google.protobuf.Value", {
  nullValue: maybe(oneOf(1, "google.protobuf.NullValue")),
  numberValue: maybe(double(2)),
  stringValue: maybe(text(3)),
  boolValue: maybe(bool(4)),
  structValue: message(5, "google.protobuf.Struct", () => Struct),
  listValue: message(6, "google.protobuf.ListValue", () => ListValue),
});
const value = (number: number) => message(number, Value.name, () => Value);
const Struct: MessageType<StructMessage> = messageType("google.protobuf.Struct", { fields: byText(1, value) });
const ListValue = messageType("google.protobuf.ListValue", { values: many(value(1)) });

const struct = (number: number) => message(number, Struct.name, () => Struct);

/** What an error is on the wire. */
export interface ErrorDetailMessage {
  readonly tag: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly fields: StructMessage | undefined;
  readonly cause: ErrorDetailMessage | undefined;
}
export const ErrorDetail: MessageType<ErrorDetailMessage> = own("ErrorDetail", {
  tag: text(1),
  message: text(2),
  retryable: bool(3),
  fields: struct(4),
  cause: message(5, "snakepit.v1.ErrorDetail", () => ErrorDetail),
});
const detail = (number: number) => message(number, ErrorDetail.name, () => ErrorDetail);

const Buffer = own("Buffer", {
  dtype: text(1),
  shape: many(uint64(2)),
  kind: oneOf<Buffer_Kind>(3, "snakepit.v1.Buffer.Kind"),
  inline: maybe(bytes(4)),
});
export type BufferMessage = Shape<typeof Buffer>;
const buffers = (number: number) => many(message(number, Buffer.name, () => Buffer));

const Parameter = own("Parameter", {
  name: text(1),
  type: text(2),
  required: bool(3),
  defaultJson: maybe(text(4)),
  inputStream: bool(5),
  rest: bool(6),
});
const Tool = own("Tool", {
  name: text(1),
  description: text(2),
  streaming: bool(3),
  idempotent: bool(4),
  asynchronous: bool(5),
  parameters: many(message(7, Parameter.name, () => Parameter)),
  inputSchemaJson: text(8),
  outputSchemaJson: text(9),
  location: text(10),
});

const SessionState = own("SessionState", {
  id: text(1),
  metadata: byText(2, text),
  ttlMs: uint64(3),
  createdAt: at(4),
  usedAt: at(5),
  variables: uint32(6),
  bytes: uint64(7),
});
export type SessionStateMessage = Shape<typeof SessionState>;
const session = (number: number) => message(number, SessionState.name, () => SessionState);

const Source = own("Source", {
  side: oneOf<Source_Side>(1, "snakepit.v1.Source.Side"),
  workerId: text(2),
  tool: text(3),
  call: uint32(4),
});
export type SourceMessage = Shape<typeof Source>;
const VariableState = own("VariableState", {
  id: text(1),
  name: text(2),
  type: text(3),
  valueMsgpack: maybe(bytes(5)),
  constraints: struct(6),
  metadata: byText(7, text),
  version: uint64(8),
  source: message(9, Source.name, () => Source),
  at: at(10),
});
export type VariableStateMessage = Shape<typeof VariableState>;
const variable = (number: number) => message(number, VariableState.name, () => VariableState);
const VariableAssignment = own("VariableAssignment", {
  name: text(1),
  valueMsgpack: maybe(bytes(3)),
  expectedVersion: maybe(uint64(4)),
  metadata: byText(5, text),
});

const call = {
  tool: text(1),
  argsMsgpack: maybe(bytes(3)),
  buffers: buffers(4),
  sessionId: text(5),
  pool: text(6),
  retry: oneOf<RetryPolicy>(7, "snakepit.v1.RetryPolicy"),
  priority: sint32(8),
  form: form(9),
};

/** Makes a method, whose messages are named after it. */
function method<const I extends Parameters<typeof messageType>[1], const O extends Parameters<typeof messageType>[1]>(
  name: string,
  input: I,
  output: O,
) {
  return {
    name: `${service}/${name}`,
    input: own(`GatewayService${name}Request`, input),
    output: own(`GatewayService${name}Response`, output),
  };
}

/** The methods. */
export const methods = {
  listTools: method("ListTools", {}, { tools: many(message(1, Tool.name, () => Tool)) }),
  executeTool: method("ExecuteTool", call, { resultMsgpack: maybe(bytes(2)), buffers: buffers(3) }),
  executeToolStream: method("ExecuteToolStream", call, { itemMsgpack: maybe(bytes(2)), buffers: buffers(3) }),
  openSession: method(
    "OpenSession",
    { sessionId: text(1), ttlMs: uint64(2), metadata: byText(3, text), affinity: text(4) },
    { session: session(1), created: bool(2) },
  ),
  getSession: method("GetSession", { sessionId: text(1) }, { session: session(1) }),
  listSessions: method("ListSessions", {}, { sessions: many(session(1)) }),
  endSession: method("EndSession", { sessionId: text(1) }, { ended: bool(1) }),
  registerVariable: method(
    "RegisterVariable",
    {
      sessionId: text(1),
      name: text(2),
      type: text(3),
      valueMsgpack: maybe(bytes(5)),
      constraints: struct(6),
      metadata: byText(7, text),
      ifNotExists: bool(8),
    },
    { variable: variable(1) },
  ),
  getVariables: method(
    "GetVariables",
    { sessionId: text(1), names: many(text(2)), form: form(3) },
    { variables: many(variable(1)), missing: many(text(2)) },
  ),
  setVariables: method(
    "SetVariables",
    { sessionId: text(1), assignments: many(message(2, VariableAssignment.name, () => VariableAssignment)), partial: bool(3) },
    { versions: byText(1, uint64), errors: byText(2, detail) },
  ),
  listVariables: method("ListVariables", { sessionId: text(1), form: form(2) }, { variables: many(variable(1)) }),
  deleteVariable: method("DeleteVariable", { sessionId: text(1), name: text(2) }, { deleted: bool(1) }),
  watchVariables: method(
    "WatchVariables",
    { sessionId: text(1), names: many(text(2)), seen: byText(3, uint64), form: form(4) },
    { kind: oneOf<VariableChange_Kind>(1, "snakepit.v1.VariableChange.Kind"), variable: variable(2), coalesced: uint64(3), at: at(4) },
  ),
} as const;

/** A change as it comes. */
export type WatchMessage = Shape<(typeof methods.watchVariables)["output"]>;

/** The time of a message; the start of 1970 when it has none. */
export const dateOf = (time: Shape<typeof Timestamp> | undefined): Date =>
  new Date((time?.seconds ?? 0) * 1000 + Math.floor((time?.nanos ?? 0) / 1e6));

/** An error on the wire, as the family reads it. */
export const detailOf = ({ tag, message: text, retryable, fields, cause }: ErrorDetailMessage): Detail => ({
  tag,
  message: text,
  retryable,
  fields: fields === undefined ? undefined : objectOf(fields),
  cause: cause === undefined ? undefined : detailOf(cause),
});

/** A JSON object as a message. */
export const structOf = (object: JsonObject): StructMessage => ({
  fields: Object.fromEntries(Object.entries(object).map(([name, part]) => [name, valueMessage(part)])),
});

/** The JSON object that a message holds. */
export const objectOf = ({ fields }: StructMessage): JsonObject =>
  Object.fromEntries(Object.entries(fields).map(([name, part]) => [name, jsonOf(part)]));

function valueMessage(part: JsonValue): ValueMessage {
  if (part === null) return { nullValue: 0 };
  if (typeof part === "number") return { numberValue: part };
  if (typeof part === "string") return { stringValue: part };
  if (typeof part === "boolean") return { boolValue: part };
  return Array.isArray(part) ? { listValue: { values: part.map(valueMessage) } } : { structValue: structOf(part) };
}

function jsonOf({ numberValue, stringValue, boolValue, structValue, listValue }: ValueMessage): JsonValue {
  if (structValue !== undefined) return objectOf(structValue);
  if (listValue !== undefined) return listValue.values.map(jsonOf);
  return numberValue ?? stringValue ?? boolValue ?? null;
}
