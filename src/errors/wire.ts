/**
 * Errors on the wire: members of the family as `ErrorDetail`, and as Connect errors that carry one.
 */
import { create, fromBinary, type JsonObject, type JsonValue, toBinary } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/snakepit/v1/error_pb.ts";
import { memberFromDetail } from "./detail.ts";
import { isSnakepitError, ProtocolError } from "./index.ts";
import type { SnakepitError } from "./snakepit-error.ts";

export { fromDetail, memberFromDetail, withoutDetail } from "./detail.ts";

/** Causes that are followed; a longer chain is cut there. */
const MAX_CAUSES = 16;
const DETAIL_TYPE = ErrorDetailSchema.typeName;

/** The detail that stands for an error. An error outside the family keeps its name, its message and its stack. */
export function toDetail(error: unknown, depth = 0): ErrorDetail {
  const cause =
    error instanceof Error && error.cause !== undefined && depth < MAX_CAUSES ? { cause: toDetail(error.cause, depth + 1) } : {};
  if (isSnakepitError(error)) {
    const { _tag: tag, message, retryable, fields } = error;
    return create(ErrorDetailSchema, { tag, message, retryable, fields: toJsonObject(fields), ...cause });
  }
  if (!(error instanceof Error)) return create(ErrorDetailSchema, { tag: "Error", message: String(error) });
  return create(ErrorDetailSchema, { tag: error.name, message: error.message, fields: { stack: error.stack ?? "" }, ...cause });
}

/** The Connect error that carries an error. A Connect error goes as it is; anything else outside the family says no more than its message. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!isSnakepitError(error)) return ConnectError.from(error);
  const value = toBinary(ErrorDetailSchema, toDetail(error));
  const carrier = new ConnectError(error.message, error.code, undefined, undefined, error);
  carrier.details.push({ type: DETAIL_TYPE, value });
  return carrier;
}

/**
 * The Connect error for what went wrong on this side, for a program on this side. A member is its cause; its details stay empty, since in Connect they
 * are what the other side said.
 */
export function toLocalConnectError(error: unknown): ConnectError {
  return isSnakepitError(error) ? new ConnectError(error.message, error.code, undefined, undefined, error) : ConnectError.from(error);
}

/** The member that a Connect error carries, as a detail or as its cause; undefined when it carries none. */
export function fromConnectError(error: ConnectError): SnakepitError | undefined {
  if (isSnakepitError(error.cause)) return error.cause;
  for (const detail of error.details) {
    if (!("type" in detail)) continue;
    const member = fromAny(detail.type, detail.value);
    if (member !== undefined) return member;
  }
  return undefined;
}

/** The member that a detail of a Connect error is; undefined when it is something else. */
export function fromAny(type: string, value: Uint8Array): SnakepitError | undefined {
  if (type !== DETAIL_TYPE) return undefined;
  try {
    return memberFromDetail(fromBinary(ErrorDetailSchema, value));
  } catch (cause) {
    return new ProtocolError({ reason: "an error's detail cannot be read" }, { cause });
  }
}

function toJsonObject(fields: object): JsonObject {
  const json: JsonObject = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) json[name] = toJson(value);
  }
  return json;
}

/** Only what a proto Struct holds; everything else as text. */
function toJson(value: unknown): JsonValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      if (value === null) return null;
      return Array.isArray(value) ? value.map(toJson) : toJsonObject(value);
    default:
      return String(value);
  }
}
