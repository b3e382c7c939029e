import { expect, test } from "bun:test";
import { Random } from "./random.ts";

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.next());

test("the same seed gives the same numbers, another one others", () => {
  expect(draw(new Random(5), 100)).toEqual(draw(new Random(5), 100));
  expect(draw(new Random(5), 100)).not.toEqual(draw(new Random(6), 100));
});

test("numbers lie evenly from 0 up to 1", () => {
  const tenths = new Array<number>(10).fill(0);
  for (const number of draw(new Random(1), 10_000)) tenths[Math.floor(number * 10)]!++;
  expect(Math.min(...tenths)).toBeGreaterThan(900);
  expect(Math.max(...tenths)).toBeLessThan(1_100);
});

test("a fork does not go on as what it came from does", () => {
  const random = new Random(1);
  const fork = random.fork();
  expect(draw(fork, 10)).not.toEqual(draw(random, 10));
});
