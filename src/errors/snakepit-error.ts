/**
 * The base of the one family of errors, and the way its members are defined.
 *
 * A member is its tag, its fields, a message computed from the fields, a Connect code, and whether a retry is safe. Members know nothing of the
 * wire; `wire.ts` turns them into `ErrorDetail` and back.
 */
import type { Code } from "@connectrpc/connect";

/** What every member may be given beside its fields. */
export interface SnakepitErrorOptions {
  /** What led to it. */
  readonly cause?: unknown;
  /** Whether sending the same call again is safe. Default: what the member says of itself. */
  readonly retryable?: boolean;
  /** The sentence as the other side computed it. Default: computed from the fields. */
  readonly message?: string;
}

/** Base class of every error that Snakepit fails with. Test for it with {@link isSnakepitError}, for a member by its `_tag`. */
export abstract class SnakepitError extends Error {
  /** Which member of the family this is. */
  abstract readonly _tag: string;
  /** The Connect code that stands for it on the wire. */
  abstract readonly code: Code;
  /** Whether sending the same call again is safe. */
  readonly retryable: boolean;
  /** The member's own fields, as they travel. */
  readonly fields: object;

  constructor(message: string, fields: object, retryable: boolean, cause: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryable = retryable;
    this.fields = fields;
  }
}

/** A class of the family: its fields stand on the instances. */
export interface SnakepitErrorClass<Tag extends string, Fields extends object> {
  new (fields: Fields, options?: SnakepitErrorOptions): SnakepitError & { readonly _tag: Tag } & Readonly<Fields>;
  readonly tag: Tag;
}

/** Defines a member of the family. */
export function define<const Tag extends string, Fields extends object>(
  tag: Tag,
  of: { readonly code: Code; readonly retryable?: boolean; readonly message: (fields: Fields) => string },
): SnakepitErrorClass<Tag, Fields> {
  class Member extends SnakepitError {
    static readonly tag = tag;
    readonly _tag = tag;
    readonly code = of.code;
    constructor(fields: Fields, options: SnakepitErrorOptions = {}) {
      super(options.message ?? of.message(fields), fields, options.retryable ?? of.retryable ?? false, options.cause);
      this.name = tag;
      Object.assign(this, fields);
    }
  }
  // The fields are put there by Object.assign, which the compiler does not see.
  return Member as unknown as SnakepitErrorClass<Tag, Fields>;
}
