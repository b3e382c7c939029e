import { expect, test } from "bun:test";
import { Random } from "../src/testing/random.ts";
import { bytesPerCall, type Sample } from "./memory.ts";

const samples = (bytes: (n: number) => number): Sample[] => Array.from({ length: 30 }, (_, n) => ({ calls: n * 1_000, bytes: bytes(n) }));

test("what stays the same is flat, whatever the noise", () => {
  const random = new Random(1);
  expect(Math.abs(bytesPerCall(samples(() => 50e6 + random.next() * 1e6)))).toBeLessThan(30);
});

test("one step of the allocator is no growth", () => {
  expect(bytesPerCall(samples((n) => (n < 25 ? 50e6 : 60e6)))).toBe(0);
});

test("what grows at first and then no more is flat", () => {
  expect(bytesPerCall(samples((n) => 50e6 + Math.min(n, 9) * 1e6))).toBe(0);
});

test("what every call leaves behind is found under noise", () => {
  const random = new Random(2);
  const slope = bytesPerCall(samples((n) => 50e6 + n * 1_000 * 256 + random.next() * 1e6));
  expect(slope).toBeGreaterThan(220);
  expect(slope).toBeLessThan(290);
});
