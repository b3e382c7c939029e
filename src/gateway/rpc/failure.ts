/** How failures leave a gateway: as members of the family, without what is not for strangers. */
import { Code, ConnectError, type Interceptor } from "@connectrpc/connect";
import { isSnakepitError, members, type SnakepitError } from "../../errors/index.ts";
import { toConnectError } from "../../errors/wire.ts";
import { type Principal, principalKey } from "../access/principal.ts";

/**
 * Tells whoever asked what its call failed with. What is no failure of the call but a fault of this package is told as no more than that.
 *
 * @param onFault - Hears of such faults.
 */
export function tellFailures(onFault: (error: unknown, method: string) => void): Interceptor {
  return (next) => async (request) => {
    const principal = request.contextValues.get(principalKey);
    const told = (error: unknown): ConnectError => {
      if (isFault(error)) onFault(error, `${request.service.name}/${request.method.name}`);
      return toldFailure(error, principal);
    };
    try {
      const response = await next(request);
      return response.stream ? { ...response, message: untilFailure(response.message, told) } : response;
    } catch (error) {
      throw told(error);
    }
  };
}

async function* untilFailure<T>(messages: AsyncIterable<T>, told: (error: unknown) => ConnectError): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw told(error);
  }
}

// Of a call that is over Connect itself says so.
const isFault = (error: unknown): boolean => !(error instanceof ConnectError) && !isSnakepitError(error);

/** The Connect error for a failure, as far as `principal` may know it. */
function toldFailure(error: unknown, principal: Pick<Principal, "tracebacks">): ConnectError {
  if (error instanceof ConnectError) return error;
  if (!isSnakepitError(error)) return new ConnectError("internal error", Code.Internal, undefined, undefined, error);
  return toConnectError(principal.tracebacks ? error : forStrangers(error));
}

/** A member made of fields that are not known here. */
type AnyMember = new (fields: object, options: { readonly cause?: unknown; readonly retryable: boolean }) => SnakepitError;

/** The same error without tracebacks, lines that were printed, stacks and places of stores. Its message is made anew, since it may quote them. */
export function forStrangers(error: SnakepitError): SnakepitError {
  // The fields are those of an error with the same tag; they stay what they were but for what is taken out.
  const Member = members.get(error._tag) as unknown as AnyMember;
  const cause = isSnakepitError(error.cause) ? { cause: forStrangers(error.cause) } : {};
  return new Member(withoutTraces(error.fields), { ...cause, retryable: error.retryable });
}

/** What each field is replaced by that shows the inside of the program. */
const hidden: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ["traceback", ""],
  ["stack", ""],
  ["stderr", []],
  // Where it is kept is a path of the machine's.
  ["store", "sessions"],
]);

function withoutTraces(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, hidden.has(name) ? hidden.get(name) : cleaned(value)]));
}

function cleaned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(cleaned);
  return typeof value === "object" && value !== null ? withoutTraces(value) : value;
}
