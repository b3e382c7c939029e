import { expect, test } from "bun:test";
import { isSnakepitError, RateLimited } from "../errors/index.ts";
import { connect } from "./client.ts";
import { TokenSource } from "./token.ts";

test.each([
  ["at once", () => failing()],
  ["later", async () => failing()],
])("one that could not be had is asked for again (%s)", async (_, first) => {
  const answers = [first, () => "second"];
  const source = new TokenSource(() => answers.shift()?.() ?? "");
  await expect(source.get()).rejects.toMatchObject({ _tag: "RateLimited" });
  expect(await source.get()).toBe("second");
  expect(await source.get()).toBe("second");
});

test.each([["sec\nret"], ["sec\u20acret"], [undefined]])(
  "one that cannot be sent is refused, and another asked for (%j)",
  async (given) => {
    const answers = [given, "second"];
    // What a program without types may give.
    const source = new TokenSource(() => answers.shift() as string);
    const refusal = await refusalOf(async () => source.get());
    expect(refusal).toMatchObject({ _tag: "InvalidOptions", option: "token" });
    expect(await source.get()).toBe("second");
  },
);

test.each([
  ["token", { token: "sec\nret" }],
  ["token", { token: "sec\u20acret" }],
  ["headers", { headers: { "no name": "secret" } }],
  ["headers", { headers: { "x-name": "sec\nret" } }],
])("%s that cannot be sent are refused when the client is made", async (option, options) => {
  const refusal = await refusalOf(async () => connect({ url: "http://gateway.test", ...options }));
  expect(refusal).toMatchObject({ _tag: "InvalidOptions", option });
});

/** What it fails with, which quotes no secret. */
async function refusalOf(attempt: () => Promise<unknown>): Promise<unknown> {
  const refusal = await attempt().then(failing, (error: unknown) => error);
  if (!isSnakepitError(refusal)) throw refusal;
  expect(JSON.stringify([refusal.message, refusal.fields, String(refusal.cause)])).not.toContain("ret");
  return refusal;
}

function failing(): never {
  throw new RateLimited({ retryAfterMs: 1 });
}
