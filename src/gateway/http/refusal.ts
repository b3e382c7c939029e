/** Errors on their way out, where a request was not let in. */
import { Code, ConnectError } from "@connectrpc/connect";
import { isSnakepitError } from "../../errors/index.ts";
import { toConnectError } from "../../errors/wire.ts";

/** The Connect error for whatever was thrown. What is no member of the family is a fault of this package, which strangers learn nothing about. */
export function refusalFor(error: unknown): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!isSnakepitError(error)) return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  const refusal = toConnectError(error);
  // Only RateLimited has it: when to come back, in HTTP's own words.
  if ("retryAfterMs" in error) refusal.metadata.set("retry-after", String(Math.ceil(Number(error.retryAfterMs) / 1000)));
  return refusal;
}
