import { expect, test } from "bun:test";
import { RateLimited } from "../errors/index.ts";
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

function failing(): never {
  throw new RateLimited({ retryAfterMs: 1 });
}
