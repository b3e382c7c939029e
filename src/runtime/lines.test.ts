import { expect, test } from "bun:test";
import { splitLines } from "./lines.ts";

function split(...pieces: readonly (string | Uint8Array)[]): string[] {
  const lines: string[] = [];
  const splitter = splitLines((line) => lines.push(line));
  for (const piece of pieces) splitter.write(typeof piece === "string" ? new TextEncoder().encode(piece) : piece);
  splitter.end();
  return lines;
}

test("lines are cut at newlines wherever the pieces end", () => {
  expect(split("a\nb", "c\r\n", "\n", "d")).toEqual(["a", "bc", "", "d"]);
});

test("a character cut between two pieces stays whole", () => {
  const bytes = new TextEncoder().encode("é\n");
  expect(split(bytes.subarray(0, 1), bytes.subarray(1))).toEqual(["é"]);
});

test("bytes that are no UTF-8 do no harm", () => {
  expect(split(new Uint8Array([0x61, 0xff, 0x0a]))).toEqual(["a\ufffd"]);
});

test("a line without an end comes in pieces, and nothing of it is lost", () => {
  const lines = split("x".repeat(100_000), "y".repeat(100_000), "\nz\n");
  expect(lines.at(-1)).toBe("z");
  expect(lines.length).toBe(5);
  expect(lines.slice(0, -1).join("")).toBe("x".repeat(100_000) + "y".repeat(100_000));
});

test("a long line that ends in the piece it came in is cut as well", () => {
  const lines = split(`${"x".repeat(200_000)}\nz\n`);
  expect(Math.max(...lines.map((line) => line.length))).toBe(65_536);
  expect(lines.slice(0, -1).join("")).toBe("x".repeat(200_000));
});
