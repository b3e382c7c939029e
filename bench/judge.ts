/** Whether a run kept what is promised. Pure. */
import { type Base, BEST_PEER, type Goal } from "./goals.ts";
import { otherProcessPeers, type Runtime } from "./plan.ts";
import type { Lookup } from "./results.ts";

/** A promise on one runtime, looked at. */
export interface Verdict {
  readonly what: string;
  readonly runtime: Runtime;
  readonly limit: string;
  /** The ratio or the figure; undefined when one of the two is not there. */
  readonly figure: number | undefined;
  readonly verdict: "met" | "missed" | "no figure";
  /** Whether figure and limit are closer than two runs of the same system. */
  readonly isClose: boolean;
}

/** Looks at every goal on every runtime it is for. */
export function judge(all: readonly Goal[], find: Lookup, spread: Readonly<Record<string, number>>): Verdict[] {
  return all.flatMap((goal) =>
    // The keys of a record of runtimes are runtimes.
    (Object.entries(goal.limits) as [Runtime, number][]).map(([runtime, limit]) => {
      const figure = figureOf(goal, runtime, find);
      const meets = figure !== undefined && (goal.atLeast ? figure >= limit : figure <= limit);
      const apart = spread[goal.spreadOf ?? goal.metric] ?? spread["calls_per_s_32"] ?? 0;
      return {
        what: goal.what,
        runtime,
        limit: `${goal.atLeast ? ">=" : "<="} ${Number(limit.toPrecision(2)).toLocaleString("en")}`,
        figure,
        verdict: figure === undefined ? "no figure" : meets ? "met" : "missed",
        isClose: figure !== undefined && Math.max(figure / limit, limit / figure) - 1 < apart,
      };
    }),
  );
}

function figureOf({ metric, base, atLeast }: Goal, runtime: Runtime, find: Lookup): number | undefined {
  const own = find("snakepit", runtime, metric);
  if (base === undefined || own === undefined) return own;
  const other = baseOf(metric, base, runtime, find, atLeast);
  if (other === undefined) return undefined;
  return base.minus ? own - other : own / other;
}

/** The other figure, in the unit of the first. A peer that does not run on this runtime is taken as it is on Node. */
function baseOf(
  ownMetric: string,
  { system = "snakepit", metric = ownMetric }: Base,
  runtime: Runtime,
  find: Lookup,
  moreIsBetter: boolean,
): number | undefined {
  const of = (name: string): number | undefined =>
    find(name, runtime, metric) ?? (name === "snakepit" ? undefined : find(name, "node", metric));
  const value = system === BEST_PEER ? best(otherProcessPeers.map(of), moreIsBetter) : of(system);
  if (value === undefined) return undefined;
  return ownMetric.endsWith("_ms") && metric.endsWith("_us") ? value / 1_000 : value;
}

function best(values: readonly (number | undefined)[], moreIsBetter: boolean): number | undefined {
  const there = values.filter((value) => value !== undefined);
  if (there.length === 0) return undefined;
  return moreIsBetter ? Math.max(...there) : Math.min(...there);
}
