/** What Python sees of a host tool that failed. */
import { HostToolFailed, isSnakepitError, type SnakepitError } from "../errors/index.ts";
import { nameOf } from "../value/path.ts";

/** Errors of the family stay what they are; anything else that was thrown becomes HostToolFailed. */
export function hostToolFailure(tool: string, thrown: unknown): SnakepitError {
  try {
    if (isSnakepitError(thrown)) return thrown;
    if (!(thrown instanceof Error)) return new HostToolFailed({ tool, type: typeName(thrown), detail: textOf(thrown), stack: "" });
    const { message, stack = "", cause } = thrown;
    const said = { tool, type: errorName(thrown), detail: String(message), stack: String(stack) };
    return new HostToolFailed(said, cause === undefined ? {} : { cause });
  } catch {
    // Its own getters threw, or it is a proxy that answers nothing.
    return new HostToolFailed({ tool, type: typeof thrown, detail: NOT_SHOWN, stack: "" });
  }
}

const NOT_SHOWN = "it cannot be shown";

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
    return NOT_SHOWN;
  }
}
