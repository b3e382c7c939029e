import { expect, test } from "bun:test";
import { quantile, rowOf, spread } from "./statistics.ts";

test("a quantile is one of the values, in whatever order they come", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([5, 1], 1)).toBe(5);
  expect(quantile([], 0.5)).toBeNaN();
});

test("a row has the extremes, the median and the number of rounds", () => {
  const of = { system: "a", runtime: "node", metric: "m", unit: "us" };
  expect(rowOf(of, [30, 10, 20])).toEqual({ ...of, min: 10, median: 20, max: 30, n: 3 });
});

test("the spread is what half of the pairs are apart, whichever side is larger", () => {
  expect(spread([100, 100, 100], [100, 100, 100])).toBe(0);
  expect(spread([110, 100, 100], [100, 110, 100])).toBeCloseTo(0.1);
  expect(spread([100, 100, 900], [110, 100, 100])).toBeCloseTo(0.1);
});

test("a pair of which one half is missing does not count", () => {
  expect(spread([100, 500], [120])).toBeCloseTo(0.2);
});
