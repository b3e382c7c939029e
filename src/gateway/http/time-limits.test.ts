import { expect, test } from "bun:test";
import { withTimeLimit } from "./time-limits.ts";

test.each([
  ["connect-timeout-ms", "9999999999", "2147483647"],
  ["grpc-timeout", "99999999H", "2147483S"],
  ["grpc-timeout", "99999999M", "2147483S"],
  ["grpc-timeout", "2147484S", "2147483S"],
])("%s: %s is more than a timer holds", (name, asked, held) => {
  expect(withTimeLimit(new Headers([[name, asked]])).get(name)).toBe(held);
});

test.each([
  ["connect-timeout-ms", "2147483647"],
  ["connect-timeout-ms", "soon"],
  ["connect-timeout-ms", "99999999999"],
  ["grpc-timeout", "999999999H"],
  ["grpc-timeout", "99999999m"],
  ["grpc-timeout", "2147483S"],
  ["grpc-timeout", "never"],
  ["x", "y"],
])("%s: %s is left as it is", (name, asked) => {
  const headers = new Headers([[name, asked]]);
  expect(withTimeLimit(headers)).toBe(headers);
});
