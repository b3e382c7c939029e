import { describe, expect, test } from "bun:test";
import { CircuitOpen, ConnectionLost, QueueFull, RateLimited, type SnakepitError, ToolFailed } from "../errors/index.ts";
import { lost } from "./failures.ts";
import { LONGEST_BACKOFF_MS } from "./options.ts";
import { backoffMs, changing, type Repeatable, reading, repeated, retryDelayMs } from "./retry.ts";

const settings = { retries: 3, retryBackoffMs: 100 };
const unheard = new ConnectionLost({ worker: "", reason: "r" }, { retryable: true });
const unsure = new ConnectionLost({ worker: "", reason: "r" });
const raised = new ToolFailed({ tool: "t", type: "T", detail: "d", traceback: "", causes: [] });
const full = new QueueFull({ pool: "p", size: 1 });

const delay = (error: SnakepitError, how: Partial<Repeatable> = {}, made = 1) =>
  retryDelayMs(error, made, { ...changing, ...how }, settings);

describe("a request is made again", () => {
  const cases: readonly [string, SnakepitError, Partial<Repeatable>, boolean][] = [
    ["when nobody has heard it", unheard, {}, true],
    ["when the gateway says that it may be", full, {}, true],
    ["never when it is not to be", unheard, { retry: "never" }, false],
    ["not when it may have run", unsure, {}, false],
    ["when it may have run and may run twice", unsure, { idempotent: () => true }, true],
    ["when it may have run and is to be made always", unsure, { retry: "always" }, true],
    ["not when the tool has failed, whatever it is", raised, { retry: "always", idempotent: () => true }, false],
    ["not when its time would be up", unheard, { deadline: performance.now() + 1 }, false],
  ];
  for (const [sentence, error, how, isMade] of cases) {
    test(sentence, async () => expect((await delay(error, how)) !== undefined).toBe(isMade));
  }

  test("so often and no more", async () => {
    expect(await delay(unheard, {}, 3)).toBeDefined();
    expect(await delay(unheard, {}, 4)).toBeUndefined();
  });

  test("no sooner than it is told", async () => {
    expect(await delay(new RateLimited({ retryAfterMs: 5_000 }))).toBeGreaterThanOrEqual(5_000);
    expect(await delay(new CircuitOpen({ pool: "p", retryAfterMs: 700 }))).toBeGreaterThanOrEqual(700);
  });

  test("not when it is told to come back after more than a minute", async () => {
    expect(await delay(new RateLimited({ retryAfterMs: 60_000 }))).toBe(60_000);
    for (const retryAfterMs of [60_001, 2 ** 31, Number.POSITIVE_INFINITY, Number.NaN]) {
      expect(await delay(new RateLimited({ retryAfterMs }))).toBeUndefined();
    }
  });

  test("after waits that double, up to a bound, and differ", () => {
    for (const [made, least, most] of [
      [1, 50, 100],
      [2, 100, 200],
      [3, 200, 400],
      [50, LONGEST_BACKOFF_MS / 2, LONGEST_BACKOFF_MS],
    ] as const) {
      const waits = Array.from({ length: 50 }, () => backoffMs(made, 100));
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(least);
      expect(Math.max(...waits)).toBeLessThanOrEqual(most);
      expect(new Set(waits).size).toBeGreaterThan(1);
    }
  });
});

test("a request that is aborted while it waits is not made again", async () => {
  const controller = new AbortController();
  let made = 0;
  const request = async () => {
    made++;
    setTimeout(() => controller.abort(new Error("enough")));
    throw full;
  };
  await expect(repeated(request, reading, { retries: 3, retryBackoffMs: 60_000 }, controller.signal)).rejects.toThrow("enough");
  expect(made).toBe(1);
});

describe("whether a request was heard", () => {
  const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" });
  const reset = Object.assign(new Error("read"), { code: "ECONNRESET" });
  const cases: readonly [string, unknown, boolean][] = [
    ["refused, as Node says it", new TypeError("fetch failed", { cause: refused }), true],
    ["refused at every address", new TypeError("fetch failed", { cause: new AggregateError([refused, refused]) }), true],
    ["refused at one address, and reset at another", new AggregateError([refused, reset]), false],
    ["refused, as Bun says it", Object.assign(new Error("Unable to connect"), { code: "ConnectionRefused" }), true],
    ["refused, as Deno says it", new TypeError("error sending request for url (x): client error (Connect): tcp connect error"), true],
    ["reset", new TypeError("fetch failed", { cause: reset }), false],
    ["a browser, which does not tell", new TypeError("Failed to fetch"), false],
    ["what is no error", "gone", false],
  ];
  for (const [sentence, cause, isUnheard] of cases) test(sentence, () => expect(lost(undefined, cause).retryable).toBe(isUnheard));

  test("the reason is what is behind it", () => {
    expect(lost(undefined, new TypeError("fetch failed", { cause: reset })).message).toBe(
      "The connection to the gateway was lost: fetch failed: read.",
    );
  });
});
