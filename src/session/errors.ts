/** Which errors of the family sessions and their variables fail with, for programs that handle all of them. */
import type * as errors from "../errors/index.ts";
import type { CallError } from "../pool/errors.ts";

/** What opening a session fails with. */
export type SessionOpenError = errors.InvalidOptions | errors.QuotaExceeded | errors.StoreFailed;

/** What using a session fails with, whatever it is used for. */
export type SessionError = errors.SessionNotFound | errors.SessionExpired | errors.SessionClosed | errors.StoreFailed;

/** What a call in a session fails with. */
export type SessionCallError = SessionError | CallError;

/** What using its variables fails with. */
export type VariableError =
  | SessionError
  | errors.InvalidOptions
  | errors.UnsupportedValue
  | errors.PayloadTooLarge
  | errors.ProtocolError
  | errors.VariableNotFound
  | errors.VariableExists
  | errors.VariableInvalid
  | errors.VersionConflict
  | errors.BatchFailed
  | errors.QuotaExceeded;
