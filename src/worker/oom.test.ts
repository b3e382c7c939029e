import { expect, test } from "bun:test";
import { ranOutOfMemory } from "./oom.ts";

const killed = { exitCode: null, signal: "SIGKILL" } as const;

test("a worker ran out of memory when the memory killer was at work and its host was not", () => {
  expect(ranOutOfMemory(killed, false, { before: 3, after: 4 })).toBe(true);
});

test("any other end is not taken for that", () => {
  expect(ranOutOfMemory(killed, false, { before: 3, after: 3 })).toBe(false);
  expect(ranOutOfMemory(killed, true, { before: 3, after: 4 })).toBe(false);
  expect(ranOutOfMemory({ exitCode: null, signal: "SIGSEGV" }, false, { before: 3, after: 4 })).toBe(false);
  expect(ranOutOfMemory({ exitCode: 137, signal: null }, false, { before: 3, after: 4 })).toBe(false);
  // Its fork server had ended before it, so nobody knows.
  expect(ranOutOfMemory({ exitCode: null, signal: null }, false, { before: 3, after: 4 })).toBe(false);
});
