/**
 * Bearer tokens: how they are made and what is kept of them.
 *
 * A token is 256 random bits, so its SHA-256 is all that has to be kept: nobody can try 2^256 of them, and a slow hash with a salt (argon2, scrypt),
 * which passwords need because people choose them, would only make every request slow.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto";

/** What every token begins with, so that people and secret scanners know one when they see it. */
export const tokenPrefix = "skp_";

/** Fewer characters than this are no secret that a machine has made: 32 hexadecimal digits have 128 bits. */
export const minTokenLength = 32;

/** Makes a token, which is shown to nobody but who is to have it: "skp_" and 43 characters. For `auth.tokens`; `snakepit token create` makes one for a file. */
export const createToken = (): string => tokenPrefix + randomBytes(32).toString("base64url");

/** What is kept of a token: "sha256:" and 64 hexadecimal digits. */
export const hashOf = (token: string): string => `sha256:${hash("sha256", token, "hex")}`;

/** Whether this text is what {@link hashOf} gives. */
export const isHash = (text: string): boolean => /^sha256:[0-9a-f]{64}$/.test(text);

/** Values by the hash of a token. */
export class Secrets<T> {
  readonly #byHash = new Map<string, { readonly hash: Buffer; readonly value: T }>();

  constructor(entries: Iterable<readonly [hash: string, value: T]>) {
    for (const [text, value] of entries) this.#byHash.set(text, { hash: Buffer.from(text), value });
  }

  /**
   * The value of a token. How long the table takes depends on the hash of what was sent, which nobody can steer towards a hash that they do not know; the
   * comparison that decides takes the same time wherever the two differ.
   */
  find(hashed: string): T | undefined {
    const found = this.#byHash.get(hashed);
    return found !== undefined && timingSafeEqual(found.hash, Buffer.from(hashed)) ? found.value : undefined;
  }
}
