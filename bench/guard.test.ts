import { describe, expect, test } from "bun:test";
import { ratiosOf, slower, tooRough } from "./guard.ts";

describe("the ratios to the floor", () => {
  const figures: Record<string, number> = {
    "snakepit node unary_1k_p50_us": 50,
    "floor node unary_1k_p50_us": 40,
    "snakepit node calls_per_s_32": 300,
    "floor node calls_per_s_32": 150,
    "snakepit node stream_items_per_s": 1_500,
    "snakepit bun calls_per_s_32": 100,
  };
  const ratios = ratiosOf((system, runtime, metric) => figures[`${system} ${runtime} ${metric}`]);

  test("are more where it is faster, for times and for rates", () => {
    expect(ratios["node unary_1k_p50_us"]).toBe(0.8);
    expect(ratios["node calls_per_s_32"]).toBe(2);
  });

  test("of a stream are to the calls of the floor", () => {
    expect(ratios["node stream_items_per_s"]).toBe(10);
  });

  test("are left out where there is no floor", () => {
    expect(Object.keys(ratios)).not.toContain("bun calls_per_s_32");
  });
});

describe("the guard", () => {
  test("lets a fifth pass and no more", () => {
    expect(slower({ "node calls_per_s_32": 2 }, { "node calls_per_s_32": 1.61 }, {})).toEqual([]);
    expect(slower({ "node calls_per_s_32": 2 }, { "node calls_per_s_32": 1.59 }, {})).toEqual([
      { name: "node calls_per_s_32", recorded: 2, now: 1.59, allowed: 1.6 },
    ]);
  });

  test("lets what two equal systems are apart pass on top", () => {
    const now = { "node calls_per_s_32": 1.45 };
    expect(slower({ "node calls_per_s_32": 2 }, now, { calls_per_s_32: 0.1 })).toEqual([]);
    expect(slower({ "node calls_per_s_32": 2 }, now, { calls_per_s_32: 0.05 })).toHaveLength(1);
    expect(slower({ "node calls_per_s_32": 2 }, now, { unary_1k_p50_us: 0.1 })).toHaveLength(1);
  });

  test("takes a figure that is no longer there for slower, however rough the machine", () => {
    expect(slower({ "node calls_per_s_32": 2 }, {}, { calls_per_s_32: 3 })).toHaveLength(1);
  });

  test("has nothing against what is faster, or new", () => {
    expect(slower({ "node calls_per_s_32": 2 }, { "node calls_per_s_32": 9, "deno calls_per_s_32": 0.1 }, {})).toEqual([]);
  });

  test("says what it cannot guard on a machine as rough as this", () => {
    const record = { "node calls_per_s_32": 2, "node unary_1k_p50_us": 1 };
    expect(tooRough(record, { calls_per_s_32: 0.79, unary_1k_p50_us: 0.8 })).toEqual(["node unary_1k_p50_us"]);
  });
});
