/** Members of the family made of what the wire holds, however that is read. */
import type { JsonObject } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { isSnakepitError, members, ProtocolError } from "./index.ts";
import type { SnakepitError, SnakepitErrorOptions } from "./snakepit-error.ts";

/** An error as `ErrorDetail` has it. */
export interface Detail {
  readonly tag: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly fields?: JsonObject | undefined;
  readonly cause?: Detail | undefined;
}

/** Any member, made of fields that only the wire knows. */
type MemberClass = new (fields: JsonObject, options: SnakepitErrorOptions) => SnakepitError;

/** The error that a detail stands for: same class, same fields, same causes. One outside the family becomes a plain `Error` of that name. */
export function fromDetail(detail: Detail): SnakepitError | Error {
  const cause = detail.cause === undefined ? undefined : fromDetail(detail.cause);
  const Member = members.get(detail.tag);
  if (Member === undefined) {
    const error = new Error(detail.message, cause === undefined ? undefined : { cause });
    error.name = detail.tag;
    return error;
  }
  // The peer computed these fields from a class of the same tag; what it left out is what its version did not know.
  return new (Member as unknown as MemberClass)(detail.fields ?? {}, { cause, retryable: detail.retryable, message: detail.message });
}

/** The member that a detail stands for. One outside the family is wrapped in a ProtocolError. */
export function memberFromDetail(detail: Detail): SnakepitError {
  const error = fromDetail(detail);
  return isSnakepitError(error) ? error : new ProtocolError({ reason: `${detail.tag}: ${detail.message}` }, { cause: error });
}

/** What a call fails with whose error carries no detail of the family. */
export function withoutDetail(code: number, message: string): SnakepitError {
  return new ProtocolError({ reason: `the other side answered ${Code[code] ?? code}${message === "" ? "" : `: ${message}`}` });
}
