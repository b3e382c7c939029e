import { expect, test } from "bun:test";
import { editDistance, nearestNames } from "./nearest.ts";

test("counts insertions, deletions, replacements and swaps", () => {
  expect(editDistance("", "abc")).toBe(3);
  expect(editDistance("kitten", "sitting")).toBe(3);
  expect(editDistance("form", "from")).toBe(1);
  expect(editDistance("same", "same")).toBe(0);
});

test("offers the nearest names first", () => {
  expect(nearestNames("ad", ["remember", "add", "total"])).toEqual(["add"]);
  expect(nearestNames("countdwon", ["count", "countdown", "total"])).toEqual(["countdown", "count"]);
});

test("finds a method by its short name, whatever the case", () => {
  expect(nearestNames("predict", ["Model.predict", "add"])).toEqual(["Model.predict"]);
  expect(nearestNames("ADD", ["add"])).toEqual(["add"]);
});

test("offers nothing when nothing is near, and three at most", () => {
  expect(nearestNames("zebra", ["add", "total"])).toEqual([]);
  expect(nearestNames("tool", ["tool1", "tool2", "tool3", "tool4"])).toEqual(["tool1", "tool2", "tool3"]);
});
