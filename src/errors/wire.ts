/**
 * Errors on the wire: a member of the family becomes an `ErrorDetail`, which stands among the details of a Connect error, and comes back as the same
 * member with the same fields and the same causes.
 */
import { create, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/snakepit/v1/error_pb.ts";
import { isSnakepitError, members, ProtocolError, type SnakepitError } from "./index.ts";

/** Causes deeper than this are left out. */
const MAX_CAUSES = 16;

/** What Python is told of an error: the member as it is, any other error by its name and what it says. */
export function toDetail(error: unknown, depth = 0): ErrorDetail {
  const detail = create(ErrorDetailSchema);
  if (isSnakepitError(error)) {
    detail.tag = error._tag;
    detail.retryable = error.retryable;
    detail.fields = toJsonObject(error.fields);
  } else {
    detail.tag = error instanceof Error ? error.name : "Error";
    detail.fields = error instanceof Error && error.stack !== undefined ? { stack: error.stack } : {};
  }
  detail.message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && error.cause !== undefined && depth < MAX_CAUSES) detail.cause = toDetail(error.cause, depth + 1);
  return detail;
}

/** The member that a detail stands for. A tag outside the family gives a plain Error of that name. */
export function fromDetail(detail: ErrorDetail): Error {
  const cause = detail.cause === undefined ? undefined : fromDetail(detail.cause);
  const options = { cause, retryable: detail.retryable, message: detail.message };
  // A member is made of the fields that came: what an older or newer peer left out is missing, as its types cannot know.
  const Member = members.get(detail.tag) as (new (fields: object, options: object) => SnakepitError) | undefined;
  if (Member !== undefined) return new Member(detail.fields ?? {}, options);
  const error = new Error(detail.message, cause === undefined ? undefined : { cause });
  error.name = detail.tag;
  return error;
}

/** The Connect error for an error of any kind. */
export function toConnectError(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!isSnakepitError(error)) return ConnectError.from(error, Code.Unknown);
  return new ConnectError(error.message, error.code, undefined, [{ desc: ErrorDetailSchema, value: toDetail(error) }], error);
}

/** The member that a Connect error carries; a ProtocolError with it as cause when it carries none. */
export function fromConnectError(error: ConnectError): SnakepitError {
  const detail = error.findDetails(ErrorDetailSchema)[0];
  const member = detail === undefined ? undefined : fromDetail(detail);
  if (isSnakepitError(member)) return member;
  return new ProtocolError({ reason: `the other side answered with ${error.message}` }, { cause: member ?? error });
}

function toJsonObject(fields: object): JsonObject {
  return Object.fromEntries(Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [[name, toJson(value)]])));
}

/** Fields are numbers, strings, booleans and lists or records of them; anything else goes as text. */
function toJson(value: unknown): JsonValue {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value === "object") return toJsonObject(value);
  return String(value);
}
