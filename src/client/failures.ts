/** What went wrong on the way to a gateway or in it, as a member of the family. */
import { base64Decode } from "@bufbuild/protobuf/wire";
import { Code } from "@connectrpc/connect";
import { codeFromString } from "@connectrpc/connect/protocol-connect";
import { memberFromDetail, withoutDetail } from "../errors/detail.ts";
import {
  CallTimeout,
  Cancelled,
  ConnectionLost,
  PermissionDenied,
  ProtocolError,
  RateLimited,
  type SnakepitError,
  Unauthenticated,
} from "../errors/index.ts";
import * as json from "../tool/json.ts";
import { detailOf, ErrorDetail } from "./schema.ts";

/** How systems and runtimes name it when there was no connection to send anything over. */
const UNREACHED =
  /^(?:ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|ConnectionRefused|FailedToOpenSocket)$/;
/** Deno has no code for it. */
const UNREACHED_IN_WORDS = /client error \(Connect\)|dns error/;

/** How a request that is for no gateway may be answered, by status. Connect has a code for each. */
const CODES: Readonly<Record<number, Code>> = {
  400: Code.Internal,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  404: Code.Unimplemented,
  429: Code.ResourceExhausted,
  502: Code.Unavailable,
  503: Code.Unavailable,
  504: Code.Unavailable,
};

/**
 * The connection broke. Retryable when it is sure that the gateway has not heard of the request; otherwise what was asked for may have been done.
 *
 * @param reason - Default: what the cause says.
 */
export function lost(reason: string | undefined, cause: unknown): ConnectionLost {
  const why = reason ?? (cause instanceof Error ? reasonIn(cause) : String(cause));
  return new ConnectionLost(
    { worker: "", reason: why },
    { retryable: isUnreached(cause), message: `The connection to the gateway was lost: ${why}.`, ...(cause !== undefined && { cause }) },
  );
}

/** What an answer that is no result says. */
export async function answeredFailure(response: Response): Promise<SnakepitError> {
  const { status, headers } = response;
  const said = headers.get("content-type")?.startsWith("application/json") ? await readJson(response) : undefined;
  if (said !== undefined) return saidFailure(said, status, headers);
  void response.body?.cancel().catch(() => {});
  if (status === 200) return new ProtocolError({ reason: `the answer has the content type "${headers.get("content-type") ?? ""}"` });
  // A redirect that is not followed has the status 0 in browsers.
  if (status < 400) return new ProtocolError({ reason: `the URL is answered with a redirect (HTTP ${status}), which is not followed` });
  return withCode(CODES[status] ?? Code.Unknown, `HTTP ${status}`, headers);
}

/** What the last part of a stream says; undefined when all is well. */
export function endFailure(data: Uint8Array): SnakepitError | undefined {
  let end: unknown;
  try {
    end = JSON.parse(new TextDecoder().decode(data));
  } catch {}
  if (!json.isObject(end)) return new ProtocolError({ reason: "the end of a stream cannot be read" });
  return json.isObject(end["error"]) ? saidFailure(end["error"], 200, undefined) : undefined;
}

/** Asks nobody: whether this request cannot have been heard. */
function isUnreached(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > 8) return false;
  if ("code" in error && typeof error.code === "string" && UNREACHED.test(error.code)) return true;
  if (UNREACHED_IN_WORDS.test(error.message)) return true;
  // Node tries every address of a name, and tells what each has said.
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every((one) => isUnreached(one, depth + 1));
  return isUnreached(error.cause, depth + 1);
}

/** What is behind "fetch failed". */
function reasonIn(error: Error): string {
  const inner = error.cause instanceof Error ? reasonIn(error.cause) : "";
  return inner !== "" && !error.message.includes(inner) ? `${error.message}: ${inner}` : error.message;
}

async function readJson(response: Response): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    const said: unknown = await response.json();
    return json.isObject(said) ? said : undefined;
  } catch {
    return undefined;
  }
}

/** The error of a Connect answer: the member among its details, or what its code says. */
function saidFailure(said: Readonly<Record<string, unknown>>, status: number, headers: Headers | undefined): SnakepitError {
  const { code: name, message, details } = said;
  for (const detail of json.isArray(details) ? details : []) {
    const member = json.isObject(detail) ? memberIn(detail) : undefined;
    if (member !== undefined) return member;
  }
  const code = typeof name === "string" ? codeFromString(name) : undefined;
  return withCode(code ?? CODES[status] ?? Code.Unknown, typeof message === "string" ? message : "", headers);
}

function memberIn({ type, value }: Readonly<Record<string, unknown>>): SnakepitError | undefined {
  if (type !== ErrorDetail.name || typeof value !== "string") return undefined;
  try {
    return memberFromDetail(detailOf(ErrorDetail.decode(base64Decode(value))));
  } catch (cause) {
    return new ProtocolError({ reason: "an error's detail cannot be read" }, { cause });
  }
}

/** The member that comes nearest to a code of Connect, as others than Snakepit answer it: Connect itself, and what stands before a gateway. */
function withCode(code: Code, message: string, headers: Headers | undefined): SnakepitError {
  switch (code) {
    case Code.Unauthenticated:
      return new Unauthenticated({ reason: message });
    case Code.PermissionDenied:
      return new PermissionDenied({ action: message });
    case Code.ResourceExhausted: {
      const seconds = Number(headers?.get("retry-after") ?? Number.NaN);
      return seconds >= 0 ? new RateLimited({ retryAfterMs: seconds * 1000 }) : withoutDetail(code, message);
    }
    case Code.Unavailable:
      return lost(message, undefined);
    case Code.Canceled:
      return new Cancelled({ tool: "" });
    case Code.DeadlineExceeded:
      return new CallTimeout({ tool: "", timeoutMs: 0, limit: "call" });
    default:
      return withoutDetail(code, message);
  }
}
