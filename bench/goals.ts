/** What this project promises of its speed. Every promise is a ratio of two figures of the same run, or one figure. */
import type { Runtime } from "./plan.ts";

/** What a figure is compared with: the same metric unless another is named, of Snakepit unless a system is. */
export interface Base {
  /** A system, or the best of all peers with Python in another process. */
  readonly system?: string;
  readonly metric?: string;
  /** Whether the base is taken away instead of divided by. */
  readonly minus?: true;
}

/** One promise. */
export interface Goal {
  /** What is measured, and over what. */
  readonly what: string;
  readonly metric: string;
  readonly base?: Base | undefined;
  /** The limit, on each of these runtimes. */
  readonly limits: Readonly<Partial<Record<Runtime, number>>>;
  /** Whether more is better. */
  readonly atLeast: boolean;
  /** The metric whose A/A spread says how fine this can be told. Default: its own, else that of calls per second. */
  readonly spreadOf?: string | undefined;
}

/** Stands for the best peer that has Python in another process. */
export const BEST_PEER = "best peer";

type Limits = Goal["limits"] | number;
const limitsOf = (limits: Limits): Goal["limits"] => (typeof limits === "number" ? { bun: limits, node: limits } : limits);

/** At most; without a base the figure itself. One limit stands for Bun and Node. */
const most = (what: string, metric: string, limits: Limits, base?: Base, spreadOf?: string): Goal => ({
  ...{ what, metric, base, spreadOf },
  limits: limitsOf(limits),
  atLeast: false,
});
/** At least. */
const least = (what: string, metric: string, limits: Limits, base?: Base, spreadOf?: string): Goal => ({
  ...most(what, metric, limits, base, spreadOf),
  atLeast: true,
});
const to = (system: string): Base => ({ system });
const toOwn = (metric: string): Base => ({ metric });

/** The promises, in the order of the table. */
export const goals: readonly Goal[] = [
  most("1 KB unary p50 / raw socket", "unary_1k_p50_us", { bun: 1.2, node: 1.2, deno: 1.5 }, to("floor")),
  most("1 KB unary p50 / python-shell", "unary_1k_p50_us", 0.6, to("python-shell")),
  most("1 KB unary p50 / pythonia", "unary_1k_p50_us", 0.6, to("pythonia")),
  most("1 KB unary p50 / grpc-js", "unary_1k_p50_us", 0.15, to("@grpc/grpc-js")),
  most("1 KB unary p50 / best peer", "unary_1k_p50_us", 1, to(BEST_PEER)),
  most("1 KB unary p99 / own p50", "unary_1k_p99_us", 4, toOwn("unary_1k_p50_us")),
  least("calls/s, 32 at once / raw socket", "calls_per_s_32", { bun: 1.2, node: 1.5 }, to("floor")),
  least("calls/s, 32 at once / python-shell", "calls_per_s_32", 2.5, to("python-shell")),
  least("calls/s, 32 at once / grpc-js", "calls_per_s_32", 50, to("@grpc/grpc-js")),
  least("calls/s, 32 at once / best peer", "calls_per_s_32", 1, to(BEST_PEER)),
  least("calls/s by Effect / by Promise", "calls_per_s_32_effect", 0.75, toOwn("calls_per_s_32_promise")),
  least("calls/s by the generated client / by Promise", "calls_per_s_32_connect", 0.6, toOwn("calls_per_s_32_promise")),
  least("two workers / one, 200 us of processor a call", "calls_per_s_32_two_workers", 1.7, toOwn("calls_per_s_32_one_worker")),
  least("stream, items/s", "stream_items_per_s", 1_000_000),
  least("stream, items/s / best peer", "stream_items_per_s", 3, to(BEST_PEER)),
  most("first item of a stream / own unary p50", "stream_first_ms", 3, toOwn("unary_1k_p50_us")),
  most("first item of a stream / best peer", "stream_first_ms", 1, to(BEST_PEER)),
  least("10 MB echo, MB/s / raw socket", "echo_10mb_mb_per_s", 1.5, to("floor")),
  least("10 MB echo, MB/s / best peer", "echo_10mb_mb_per_s", 1, to(BEST_PEER)),
  least(
    "10 MB echo with a view, MB/s / node-calls-python",
    "echo_10mb_view_mb_per_s",
    1,
    { system: "node-calls-python", metric: "echo_10mb_mb_per_s" },
    "echo_10mb_mb_per_s",
  ),
  most("array of 80 MB, in and out with a view / one memcpy", "array_80mb_ms", 2, toOwn("memcpy_80mb_ms"), "echo_10mb_mb_per_s"),
  most("array of 80 MB with a view / by the socket", "array_80mb_ms", 1, toOwn("array_80mb_socket_ms"), "echo_10mb_mb_per_s"),
  most("cold start, first result, ms over Python's start", "cold_start_ms", 80, {
    system: "python",
    metric: "python_start_ms",
    minus: true,
  }),
  most("further worker from the fork server, ms", "fork_ready_ms", 10, undefined, "cold_start_ms"),
  most("its own memory, MB", "fork_private_mb", 5, undefined, "worker_private_mb"),
  least("64 KB unary, calls/s / grpc-js", "unary_64k_calls_per_s", 10, to("@grpc/grpc-js")),
  least("64 KB unary, calls/s / best peer", "unary_64k_calls_per_s", 1, to(BEST_PEER)),
  most("a call with 64 workers / with 1", "growth_workers_64_us", 1.2, toOwn("growth_workers_1_us"), "unary_1k_p50_us"),
  most("a call with 10,000 sessions / with 1", "growth_sessions_10000_us", 1.2, toOwn("growth_sessions_1_us"), "unary_1k_p50_us"),
  most("a call with 100,000 queued / with 1,000", "growth_queued_100000_us", 1.2, toOwn("growth_queued_1000_us")),
  most("variable, write and read, with 1,000 sessions / alone", "session_op_us_one_of_1000", 1.2, toOwn("session_op_us")),
  most("variable, kept read in Python, us", "cached_get_us", 5),
  most("variable, asked for in Python / bare call of the worker", "uncached_get_us", 3, toOwn("bare_call_us"), "unary_1k_p50_us"),
  most("1,000 sessions of 100 variables, MB", "host_rss_mb_1000_sessions", 200, undefined, "host_rss_mb"),
  least(
    "call on the gateway / bare Connect server that calls the pit",
    "gateway_1k_calls_per_s",
    1 / 1.5,
    toOwn("connect_server_1k_calls_per_s"),
  ),
  least(
    "call on the gateway / bare Connect server that answers by itself",
    "gateway_1k_calls_per_s",
    1 / 1.5,
    toOwn("connect_server_alone_1k_calls_per_s"),
  ),
];
