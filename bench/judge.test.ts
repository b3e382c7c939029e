import { describe, expect, test } from "bun:test";
import type { Goal } from "./goals.ts";
import { judge } from "./judge.ts";
import { lookup } from "./results.ts";
import type { Row } from "./statistics.ts";

const row = (system: string, runtime: string, metric: string, median: number): Row => ({
  system,
  runtime,
  metric,
  unit: "",
  min: median,
  median,
  max: median,
  n: 1,
});

/** The one verdict of one goal. */
function verdictOf(goal: Goal, rows: readonly Row[], spread = {}) {
  const [verdict] = judge([goal], lookup({ rows }), spread);
  if (verdict === undefined) throw new Error("there is no verdict");
  return verdict;
}

describe("a goal", () => {
  const slow: Goal = { what: "time", metric: "t_us", base: { system: "floor" }, limits: { node: 1.2 }, atLeast: false };
  const fast: Goal = { what: "rate", metric: "r", base: { system: "floor" }, limits: { node: 1.5 }, atLeast: true };

  test("of a time is met up to its limit and missed above", () => {
    expect(verdictOf(slow, [row("snakepit", "node", "t_us", 12), row("floor", "node", "t_us", 10)])).toMatchObject({
      figure: 1.2,
      verdict: "met",
    });
    expect(verdictOf(slow, [row("snakepit", "node", "t_us", 13), row("floor", "node", "t_us", 10)])).toMatchObject({ verdict: "missed" });
  });

  test("of a rate is met from its limit on and missed below", () => {
    expect(verdictOf(fast, [row("snakepit", "node", "r", 15), row("floor", "node", "r", 10)])).toMatchObject({ verdict: "met" });
    expect(verdictOf(fast, [row("snakepit", "node", "r", 14), row("floor", "node", "r", 10)])).toMatchObject({ verdict: "missed" });
  });

  test("without one of its figures is neither met nor missed", () => {
    expect(verdictOf(slow, [row("floor", "node", "t_us", 10)])).toMatchObject({ figure: undefined, verdict: "no figure" });
    expect(verdictOf(slow, [row("snakepit", "node", "t_us", 10)])).toMatchObject({ figure: undefined, verdict: "no figure" });
  });

  test("is close when two equal systems are further apart than it from its limit", () => {
    const rows = [row("snakepit", "node", "t_us", 13), row("floor", "node", "t_us", 10)];
    expect(verdictOf(slow, rows, { t_us: 0.05 }).isClose).toBe(false);
    expect(verdictOf(slow, rows, { t_us: 0.1 }).isClose).toBe(true);
  });

  test("looks at each runtime with the limit of that runtime", () => {
    const goal: Goal = { ...slow, limits: { node: 1, deno: 2 } };
    const rows = ["node", "deno"].flatMap((runtime) => [row("snakepit", runtime, "t_us", 15), row("floor", runtime, "t_us", 10)]);
    expect(judge([goal], lookup({ rows }), {}).map(({ runtime, verdict }) => [runtime, verdict])).toEqual([
      ["node", "missed"],
      ["deno", "met"],
    ]);
  });
});

describe("what it is compared with", () => {
  test("the best peer is the one with the least time, or the highest rate", () => {
    const times = [row("snakepit", "node", "t_us", 10), row("zeromq", "node", "t_us", 20), row("pythonia", "node", "t_us", 40)];
    expect(verdictOf({ what: "", metric: "t_us", base: { system: "best peer" }, limits: { node: 1 }, atLeast: false }, times).figure).toBe(
      0.5,
    );
    const rates = [row("snakepit", "node", "r", 40), row("zeromq", "node", "r", 20), row("pythonia", "node", "r", 10)];
    expect(verdictOf({ what: "", metric: "r", base: { system: "best peer" }, limits: { node: 1 }, atLeast: true }, rates).figure).toBe(2);
  });

  test("a system inside the process is none of the best peers", () => {
    const rows = [row("snakepit", "node", "t_us", 10), row("zeromq", "node", "t_us", 20), row("node-calls-python", "node", "t_us", 1)];
    expect(verdictOf({ what: "", metric: "t_us", base: { system: "best peer" }, limits: { node: 1 }, atLeast: false }, rows).figure).toBe(
      0.5,
    );
  });

  test("a peer that does not run there is taken as it is on Node", () => {
    const rows = [row("snakepit", "bun", "t_us", 10), row("pythonia", "node", "t_us", 20)];
    expect(verdictOf({ what: "", metric: "t_us", base: { system: "pythonia" }, limits: { bun: 1 }, atLeast: false }, rows).figure).toBe(
      0.5,
    );
  });

  test("another figure of ours is taken from the same runtime only", () => {
    const rows = [row("snakepit", "bun", "p99_us", 10), row("snakepit", "node", "p50_us", 5)];
    expect(verdictOf({ what: "", metric: "p99_us", base: { metric: "p50_us" }, limits: { bun: 4 }, atLeast: false }, rows).verdict).toBe(
      "no figure",
    );
  });

  test("milliseconds are compared with microseconds", () => {
    const rows = [row("snakepit", "node", "first_ms", 0.06), row("snakepit", "node", "p50_us", 30)];
    expect(
      verdictOf({ what: "", metric: "first_ms", base: { metric: "p50_us" }, limits: { node: 3 }, atLeast: false }, rows).figure,
    ).toBeCloseTo(2);
  });

  test("a base may be taken away", () => {
    const rows = [row("snakepit", "node", "cold_ms", 100), row("python", "node", "start_ms", 20)];
    const goal: Goal = {
      what: "",
      metric: "cold_ms",
      base: { system: "python", metric: "start_ms", minus: true },
      limits: { node: 80 },
      atLeast: false,
    };
    expect(verdictOf(goal, rows)).toMatchObject({ figure: 80, verdict: "met" });
  });
});
