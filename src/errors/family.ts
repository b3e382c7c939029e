/** Where code that throws meets the error channel of Effect. */
import { isSnakepitError, type SnakepitError } from "./index.ts";

/**
 * What was thrown, when it belongs to the family; anything else is a fault of this package and is thrown on. Which members can come stands in the
 * signature of the caller, where the compiler cannot follow.
 */
export function familyOnly<E extends SnakepitError>(error: unknown): E {
  if (isSnakepitError(error)) return error as E;
  throw error;
}
