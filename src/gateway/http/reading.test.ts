import { expect, test } from "bun:test";
import { MAX_DEPTH } from "../../value/limits.ts";
import { jsonOptions } from "./reading.ts";

const read = (json: string): string => jsonOptions.textDecoder.decode(Buffer.from(json));

test("JSON that is too deep is refused by its first brackets, however many follow", () => {
  const vast = Buffer.from("[".repeat(20_000_000));
  const began = performance.now();
  expect(() => jsonOptions.textDecoder.decode(vast)).toThrow("inside one another");
  // What reads it takes seconds.
  expect(performance.now() - began).toBeLessThan(100);
});

test("brackets in texts do not count, nor those that were closed", () => {
  for (const json of [`"${"[".repeat(5_000)}"`, `["\\"${"{".repeat(5_000)}","\\\\"]`, `[${"[],".repeat(5_000)}{}]`]) {
    expect(read(json)).toBe(json);
  }
  expect(() => read(`["\\\\",${"[".repeat(5_000)}`)).toThrow("inside one another");
});

test("a value of the depth that calls take is read", () => {
  const json = `{"args":${"[".repeat(MAX_DEPTH)}${"]".repeat(MAX_DEPTH)}}`;
  expect(read(json)).toBe(json);
});
