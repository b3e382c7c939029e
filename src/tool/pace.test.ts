import { expect, test } from "bun:test";
import { Pace } from "./pace.ts";

test("a tool that nobody has called is not quick", () => {
  expect(new Pace().quick).toBe(false);
});

test("one quick run makes a tool quick, one hiccup does not change it, slow runs do", () => {
  const pace = new Pace();
  pace.add(20);
  expect(pace.quick).toBe(true);
  pace.add(5_000_000);
  expect(pace.quick).toBe(true);
  for (let i = 0; i < 3; i++) pace.add(5_000);
  expect(pace.quick).toBe(false);
  for (let i = 0; i < 30; i++) pace.add(20);
  expect(pace.quick).toBe(true);
});
