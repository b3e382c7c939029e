/** What Python sees of a host tool that failed. */
import { HostToolFailed, isSnakepitError, type SnakepitError } from "../errors/index.ts";
import { nameOf } from "../value/path.ts";

/** Errors of the family stay what they are; anything else that was thrown becomes HostToolFailed. */
export function hostToolFailure(tool: string, thrown: unknown): SnakepitError {
  if (isSnakepitError(thrown)) return thrown;
  if (!(thrown instanceof Error)) return new HostToolFailed({ tool, type: typeName(thrown), detail: textOf(thrown), stack: "" });
  const { message: detail, stack = "", cause } = thrown;
  return new HostToolFailed({ tool, type: errorName(thrown), detail, stack }, cause === undefined ? {} : { cause });
}

/** Many classes of errors leave the name of their base. */
function errorName(error: Error): string {
  const { name } = error;
  const className: unknown = error.constructor?.name;
  return name === "Error" && typeof className === "string" && className !== "" ? className : String(name);
}

function typeName(thrown: unknown): string {
  if (thrown === null) return "null";
  return typeof thrown === "object" ? nameOf(thrown).replace(/^an? /, "") : typeof thrown;
}

/** What a thrown value says. It may be anything, also something that cannot be made into text. */
function textOf(thrown: unknown): string {
  try {
    return typeof thrown === "object" && thrown !== null ? (JSON.stringify(thrown) ?? String(thrown)) : String(thrown);
  } catch {
    return "it cannot be shown";
  }
}
