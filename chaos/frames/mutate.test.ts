import { expect, test } from "bun:test";
import { FrameReader } from "../../src/carrier/frame.ts";
import { Random } from "../../src/testing/random.ts";
import { complete, mutate } from "./mutate.ts";
import { join, stories } from "./stories.ts";

const SEEDS = 2_000;
const broken = (seed: number): Uint8Array => {
  const random = new Random(seed);
  return mutate(stories[seed % stories.length]!(1), random);
};

test("a seed breaks the same story in the same way, and nearly always breaks it", () => {
  let whole = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const bytes = broken(seed);
    expect(broken(seed)).toEqual(bytes);
    if (Buffer.compare(bytes, join(stories[seed % stories.length]!(1))) === 0) whole++;
  }
  expect(whole).toBeLessThan(SEEDS / 5);
});

test("a reader of what was completed has given up, or waits for the next frame", () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const bytes = complete(broken(seed));
    let frames = 0;
    const reader = new FrameReader({ frame: () => frames++ });
    try {
      reader.read(bytes, bytes.length);
    } catch {
      continue;
    }
    const before = frames;
    reader.read(new Uint8Array(16), 16);
    expect(frames).toBe(before + 1);
  }
});
