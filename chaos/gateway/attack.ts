/** Sends malformed requests, and looks whether each is refused as it should be. */
import type { Random } from "../../src/testing/random.ts";
import type { Violations } from "../scenario.ts";
import { many } from "../support.ts";
import { hostile } from "./http2.ts";
import { isRefusal, malformed, strangerStatuses } from "./malformed.ts";
import { sendHttp2, sendRaw } from "./raw.ts";

/** What is attacked, and how much. */
export interface Attack {
  readonly port: number;
  /** A token that counts. Half of the requests have it. */
  readonly token: string;
  /** Requests of HTTP/1.1, over sockets and by fetch, and connections of HTTP/2. */
  readonly http1: number;
  readonly http2: number;
  readonly atOnce: number;
  /** Nothing new begins after it, as `performance.now()` has it. */
  readonly until: number;
  readonly random: Random;
}

/** Attacks. Answers how many were sent. What was not refused as it should be is a violation. */
export async function attack({ port, token, http1, http2, atOnce, until, random }: Attack, violations: Violations): Promise<number> {
  const sent = await many(http1, atOnce, until, async () => {
    const known = random.chance(0.5);
    const { kind, bytes, whole, statuses, init } = malformed(random, known ? token : undefined);
    const { status, body } =
      init !== undefined && random.chance(0.5)
        ? await fetch(`http://127.0.0.1:${port}${init.path}`, init).then(async (response) => ({
            status: response.status,
            body: await response.text(),
          }))
        : await sendRaw(port, bytes, !whole);
    const expected = known ? statuses : strangerStatuses;
    // Whoever sends no HTTP, or leaves, may be left without an answer.
    if (!whole && status === 0) return;
    const holds = isRefusal(status, body) && (status === 200 || !whole || expected === undefined || expected.includes(status));
    violations.check(holds, `${kind}, ${known ? "with" : "without"} a token, was answered ${status}`, () => body.slice(0, 200));
  });
  const connected = await many(http2, atOnce, until, async () => {
    const { kind, bytes } = hostile(random, random.chance(0.5) ? token : undefined);
    violations.check(await sendHttp2(port, bytes), `over HTTP/2, ${kind} was left without an answer`);
  });
  return sent + connected;
}
