/** Who the client says it is. */
import { InvalidOptions, isSnakepitError, Unauthenticated } from "../errors/index.ts";
import { isToken, type Token } from "./options.ts";

/** A token that is asked for once and kept, until it is accepted no more. */
export class TokenSource {
  readonly #token: Token | undefined;
  #kept: Promise<string> | undefined;

  constructor(token: Token | undefined) {
    this.#token = token;
  }

  /**
   * The token; undefined when there is none. Fails with Unauthenticated when the program's function does, and with InvalidOptions when it gives what cannot be
   * sent.
   */
  get(): Promise<string> | undefined {
    const token = this.#token;
    if (token === undefined) return undefined;
    if (this.#kept !== undefined) return this.#kept;
    const asked = ask(token);
    this.#kept = asked;
    asked.catch(() => {
      if (this.#kept === asked) this.#kept = undefined;
    });
    return asked;
  }

  /** The gateway does not accept this token. Whether another one may be had: it is asked for once, however many requests were refused. */
  refused(token: Promise<string> | undefined): boolean {
    if (typeof this.#token !== "function") return false;
    if (this.#kept === token) this.#kept = undefined;
    return true;
  }
}

async function ask(token: Token): Promise<string> {
  let given: string;
  try {
    given = typeof token === "string" ? token : await token();
  } catch (cause) {
    throw isSnakepitError(cause) ? cause : new Unauthenticated({ reason: "there is no token" }, { cause });
  }
  if (!isToken(given)) throw new InvalidOptions({ option: "token", expected: "a function that gives a string that can stand in a header" });
  return given;
}
