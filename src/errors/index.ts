/** Errors: one closed family, told apart by `_tag`. */
import * as errors from "./errors.ts";
import type { SnakepitError } from "./snakepit-error.ts";

export * from "./errors.ts";
export { SnakepitError, type SnakepitErrorOptions } from "./snakepit-error.ts";

/** The class of each member, by tag. */
export const members: ReadonlyMap<string, (typeof errors)[keyof typeof errors]> = new Map(
  Object.values(errors).map((member) => [member.tag, member]),
);

/** Any error of the family, told apart by `_tag`. */
export type AnySnakepitError = InstanceType<(typeof errors)[keyof typeof errors]>;

/** Whether `x` is an error of the family. Looks at the tag, not at the class, so two copies of the package understand each other. */
export function isSnakepitError(x: unknown): x is SnakepitError {
  return x instanceof Error && "_tag" in x && typeof x._tag === "string" && members.has(x._tag) && "retryable" in x;
}
