/** Variables and changes as the messages of GatewayService. */
import { create, type JsonObject } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  type GatewayServiceWatchVariablesResponse,
  GatewayServiceWatchVariablesResponseSchema,
  type VariableState,
  VariableStateSchema,
} from "../../gen/snakepit/v1/gateway_pb.ts";
import { VariableChange_Kind } from "../../gen/snakepit/v1/session_pb.ts";
import { idOf, type VariableRecord, valueIn } from "../../session/records.ts";
import { sourceMessage } from "../../session/variable-messages.ts";
import { encodeValue, keptBytes } from "../../session/variable-value.ts";
import type { Ended, Watched } from "../../session/watch-buffer.ts";
import { type Form, type GivenValue, readValue, toJsonValue } from "./values.ts";

/** The message of a variable. */
export const variableState = (variable: VariableRecord, form: Form): VariableState =>
  create(VariableStateSchema, {
    id: idOf(variable),
    name: variable.name,
    type: variable.type,
    ...(form === "json" ? { value: toJsonValue(valueIn(variable)) } : { valueMsgpack: keptBytes(variable.type, variable.value) }),
    // An object: it was checked when the variable was made.
    constraints: JSON.parse(variable.constraints) as JsonObject,
    metadata: { ...variable.metadata },
    version: BigInt(variable.version),
    source: sourceMessage(variable.source),
    at: timestampFromMs(variable.at),
  });

/** The message of a change. */
export function watchMessage(change: Watched | Ended, form: Form): GatewayServiceWatchVariablesResponse {
  const at = timestampFromMs(change.at);
  if (change.kind === "ended") return create(GatewayServiceWatchVariablesResponseSchema, { kind: VariableChange_Kind.ENDED, at });
  return create(GatewayServiceWatchVariablesResponseSchema, {
    kind: change.kind === "set" ? VariableChange_Kind.SET : VariableChange_Kind.DELETED,
    variable: variableState(change.variable, form),
    coalesced: BigInt(change.coalesced),
    at,
  });
}

/** The MessagePack of the value that a request has for a variable. Throws InvalidOptions when it cannot be read. */
export function givenBytes(given: GivenValue): Uint8Array {
  const value = readValue(given, "value");
  // As it came, so that a whole float stays one. The message may be part of a larger piece of memory.
  return given.msgpack === undefined ? encodeValue(value ?? null) : new Uint8Array(given.msgpack);
}
