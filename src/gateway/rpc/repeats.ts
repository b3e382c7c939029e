/**
 * Requests that come twice although they were made once. When a connection that was used before breaks, `fetch` of Chromium and of Deno sends a request again,
 * without a word to the program that made it and although it may have run. A client gives each request that must not run twice a key, and what
 * comes with a key that was seen a moment ago is refused.
 */
import type { Interceptor } from "@connectrpc/connect";
import { ConnectionLost, InvalidOptions } from "../../errors/index.ts";
import { principalKey } from "../access/principal.ts";

/** Where the key of a request is. The header of HTTP's own draft for it. */
const HEADER = "idempotency-key";

/** Longer keys are refused, in characters: they are kept. */
const LONGEST_KEY = 200;

/** How long a key is remembered at least, in milliseconds. Runtimes send again at once. */
const REMEMBERED_MS = 10_000;

/** Most keys of one such span: beyond that it is over early. */
const MOST_KEYS = 100_000;

/** Refuses what the same principal has sent before with ConnectionLost, which says what became of the request that was made. */
export function refuseRepeats(): Interceptor {
  const seen = new RecentKeys();
  return (next) => (request) => {
    const key = request.header.get(HEADER);
    if (key === null) return next(request);
    if (key.length > LONGEST_KEY) throw new InvalidOptions({ option: HEADER, expected: `${LONGEST_KEY} characters at most` });
    if (!seen.add(`${request.contextValues.get(principalKey).id} ${key}`))
      throw new ConnectionLost({ worker: "", reason: "the request came twice, and the first may have run" });
    return next(request);
  };
}

/** Keys of the present span and of the one before, so that forgetting costs nothing. */
class RecentKeys {
  #present = new Set<string>();
  #before = new Set<string>();
  #since = performance.now();

  /** False when the key is known. */
  add(key: string): boolean {
    if (this.#present.size >= MOST_KEYS || performance.now() - this.#since > REMEMBERED_MS) {
      this.#before = this.#present;
      this.#present = new Set();
      this.#since = performance.now();
    }
    if (this.#present.has(key) || this.#before.has(key)) return false;
    this.#present.add(key);
    return true;
  }
}
