/** What this project promises of its speed, and whether a run kept it. Every goal is a ratio of two figures of the same run, or one figure. Pure. */
import { otherProcessPeers, type Runtime } from "./plan.ts";
import type { Lookup } from "./results.ts";

/** What a figure is compared with: the same metric unless another is named, of Snakepit unless a system is. */
interface Base {
  /** A system, or the best of all peers with Python in another process. */
  readonly system?: string;
  readonly metric?: string;
  /** Whether the base is taken away instead of divided by. */
  readonly minus?: true;
}

/** One promise. */
export interface Goal {
  /** What it is about, in words that go before the limit. */
  readonly what: string;
  readonly metric: string;
  readonly base?: Base;
  /** The limit, on each of these runtimes. */
  readonly limits: Readonly<Partial<Record<Runtime, number>>>;
  /** Whether more is better. */
  readonly atLeast?: true;
  /** The metric whose A/A spread says how fine this can be told. Default: its own, else that of calls per second. */
  readonly spreadOf?: string;
}

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

/** Stands for the best peer that has Python in another process. */
export const BEST_PEER = "best peer";

const both = (limit: number): Goal["limits"] => ({ bun: limit, node: limit });

/** The promises, in the order of the table. */
export const goals: readonly Goal[] = [
  { what: "1 KB unary p50 / raw socket", metric: "unary_1k_p50_us", base: { system: "floor" }, limits: { bun: 1.2, node: 1.2, deno: 1.5 } },
  { what: "1 KB unary p50 / python-shell", metric: "unary_1k_p50_us", base: { system: "python-shell" }, limits: both(0.6) },
  { what: "1 KB unary p50 / pythonia", metric: "unary_1k_p50_us", base: { system: "pythonia" }, limits: both(0.6) },
  { what: "1 KB unary p50 / grpc-js", metric: "unary_1k_p50_us", base: { system: "@grpc/grpc-js" }, limits: both(0.15) },
  { what: "1 KB unary p50 / best peer", metric: "unary_1k_p50_us", base: { system: BEST_PEER }, limits: both(1) },
  { what: "1 KB unary p99 / own p50", metric: "unary_1k_p99_us", base: { metric: "unary_1k_p50_us" }, limits: both(4) },
  {
    what: "calls/s, 32 at once / raw socket",
    metric: "calls_per_s_32",
    base: { system: "floor" },
    limits: { bun: 1.2, node: 1.5 },
    atLeast: true,
  },
  {
    what: "calls/s, 32 at once / python-shell",
    metric: "calls_per_s_32",
    base: { system: "python-shell" },
    limits: both(2.5),
    atLeast: true,
  },
  { what: "calls/s, 32 at once / grpc-js", metric: "calls_per_s_32", base: { system: "@grpc/grpc-js" }, limits: both(50), atLeast: true },
  { what: "calls/s, 32 at once / best peer", metric: "calls_per_s_32", base: { system: BEST_PEER }, limits: both(1), atLeast: true },
  {
    what: "calls/s by Effect / by Promise",
    metric: "calls_per_s_32_effect",
    base: { metric: "calls_per_s_32_promise" },
    limits: both(0.75),
    atLeast: true,
  },
  {
    what: "calls/s by the generated client / by Promise",
    metric: "calls_per_s_32_connect",
    base: { metric: "calls_per_s_32_promise" },
    limits: both(0.6),
    atLeast: true,
  },
  {
    what: "two workers / one, 200 us of processor a call",
    metric: "calls_per_s_32_two_workers",
    base: { metric: "calls_per_s_32_one_worker" },
    limits: both(1.7),
    atLeast: true,
  },
  { what: "stream, items/s", metric: "stream_items_per_s", limits: both(1_000_000), atLeast: true },
  { what: "stream, items/s / best peer", metric: "stream_items_per_s", base: { system: BEST_PEER }, limits: both(3), atLeast: true },
  { what: "first item of a stream / own unary p50", metric: "stream_first_ms", base: { metric: "unary_1k_p50_us" }, limits: both(3) },
  { what: "first item of a stream / best peer", metric: "stream_first_ms", base: { system: BEST_PEER }, limits: both(1) },
  { what: "10 MB echo, MB/s / raw socket", metric: "echo_10mb_mb_per_s", base: { system: "floor" }, limits: both(1.5), atLeast: true },
  { what: "10 MB echo, MB/s / best peer", metric: "echo_10mb_mb_per_s", base: { system: BEST_PEER }, limits: both(1), atLeast: true },
  {
    what: "10 MB echo with a view, MB/s / node-calls-python",
    metric: "echo_10mb_view_mb_per_s",
    base: { system: "node-calls-python", metric: "echo_10mb_mb_per_s" },
    limits: both(1),
    atLeast: true,
    spreadOf: "echo_10mb_mb_per_s",
  },
  {
    what: "array of 80 MB, in and out with a view / one memcpy",
    metric: "array_80mb_ms",
    base: { metric: "memcpy_80mb_ms" },
    limits: both(2),
    spreadOf: "echo_10mb_mb_per_s",
  },
  {
    what: "array of 80 MB with a view / by the socket",
    metric: "array_80mb_ms",
    base: { metric: "array_80mb_socket_ms" },
    limits: both(1),
    spreadOf: "echo_10mb_mb_per_s",
  },
  {
    what: "cold start, first result, ms over Python's start",
    metric: "cold_start_ms",
    base: { system: "python", metric: "python_start_ms", minus: true },
    limits: both(80),
  },
  { what: "further worker from the fork server, ms", metric: "fork_ready_ms", limits: both(10), spreadOf: "cold_start_ms" },
  { what: "its own memory, MB", metric: "fork_private_mb", limits: both(5), spreadOf: "worker_private_mb" },
  {
    what: "64 KB unary, calls/s / grpc-js",
    metric: "unary_64k_calls_per_s",
    base: { system: "@grpc/grpc-js" },
    limits: both(10),
    atLeast: true,
  },
  {
    what: "64 KB unary, calls/s / best peer",
    metric: "unary_64k_calls_per_s",
    base: { system: BEST_PEER },
    limits: both(1),
    atLeast: true,
  },
  {
    what: "a call with 64 workers / with 1",
    metric: "growth_workers_64_us",
    base: { metric: "growth_workers_1_us" },
    limits: both(1.2),
    spreadOf: "unary_1k_p50_us",
  },
  {
    what: "a call with 10,000 sessions / with 1",
    metric: "growth_sessions_10000_us",
    base: { metric: "growth_sessions_1_us" },
    limits: both(1.2),
    spreadOf: "unary_1k_p50_us",
  },
  {
    what: "a call with 100,000 queued / with 1,000",
    metric: "growth_queued_100000_us",
    base: { metric: "growth_queued_1000_us" },
    limits: both(1.2),
  },
  {
    what: "variable, write and read, with 1,000 sessions / alone",
    metric: "session_op_us_one_of_1000",
    base: { metric: "session_op_us" },
    limits: both(1.2),
  },
  { what: "variable, kept read in Python, us", metric: "cached_get_us", limits: both(5) },
  {
    what: "variable, asked for in Python / bare call of the worker",
    metric: "uncached_get_us",
    base: { metric: "bare_call_us" },
    limits: both(3),
    spreadOf: "unary_1k_p50_us",
  },
  { what: "1,000 sessions of 100 variables, MB", metric: "host_rss_mb_1000_sessions", limits: both(200), spreadOf: "host_rss_mb" },
  {
    what: "unary call on the gateway / bare Connect server that calls the pit",
    metric: "gateway_1k_calls_per_s",
    base: { metric: "connect_server_1k_calls_per_s" },
    limits: both(1 / 1.5),
    atLeast: true,
  },
  {
    what: "unary call on the gateway / bare Connect server that answers by itself",
    metric: "gateway_1k_calls_per_s",
    base: { metric: "connect_server_alone_1k_calls_per_s" },
    limits: both(1 / 1.5),
    atLeast: true,
  },
];

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
  const other = baseOf(metric, base, runtime, find, atLeast === true);
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
