/**
 * `npm run bench [-- --quick] [-- --rounds N]`: measures Snakepit through its public API beside the raw-socket floor, on Bun and on Node, systems and runtimes
 * interleaved round by round, because this kind of machine drifts by a factor of two within minutes. Only ratios within one run mean anything.
 * Writes bench/results/latest.json and prints a table.
 */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, platform, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import type { Effort, Figure } from "./measure.ts";

/** One line of the results, over all rounds. */
interface Row {
  readonly system: string;
  readonly runtime: string;
  readonly metric: string;
  readonly unit: string;
  readonly min: number;
  readonly median: number;
  readonly max: number;
  readonly n: number;
}

const { values: flags } = parseArgs({ options: { quick: { type: "boolean", default: false }, rounds: { type: "string" } } });
const rounds = Number(flags.rounds ?? (flags.quick ? 3 : 5));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds must be a whole number from 1, not ${flags.rounds}`);
const effort: Effort = flags.quick
  ? { warmUp: 1_000, calls: 2_000, secondsAtOnce: 0.5, items: 10_000, blobs: 4 }
  : { warmUp: 5_000, calls: 10_000, secondsAtOnce: 2, items: 10_000, blobs: 8 };

const root = fileURLToPath(new URL("../", import.meta.url));
const python = fileURLToPath(new URL("../.venv/bin/python", import.meta.url));
const program = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const runtimes = ["bun", "node"];
const children: readonly { readonly system: string; readonly what: string; readonly command: readonly string[] }[] = [
  { system: "floor", what: "floor", command: [program("./child.ts"), "floor"] },
  { system: "snakepit", what: "snakepit", command: [program("./child.ts"), "snakepit"] },
  { system: "snakepit", what: "sessions", command: [program("./sessions.ts")] },
  { system: "snakepit", what: "forking", command: [program("./forking.ts")] },
];
const run = promisify(execFile);

const figures = new Map<string, { system: string; runtime: string; unit: string; metric: string; values: number[] }>();
for (let round = 1; round <= rounds; round++) {
  for (const runtime of runtimes) {
    for (const { system, what, command } of round % 2 === 0 ? children : children.toReversed()) {
      process.stderr.write(`round ${round} of ${rounds}: ${what} on ${runtime}\n`);
      const { stdout } = await run(runtime, [...command, python, JSON.stringify(effort)], { cwd: root, timeout: 120_000 });
      const line: Figure[] = JSON.parse(stdout.trim().split("\n").at(-1) ?? "[]");
      for (const { metric, unit, value } of line) {
        const key = `${system} ${runtime} ${metric}`;
        const entry = figures.get(key) ?? { system, runtime, metric, unit, values: [] };
        entry.values.push(value);
        figures.set(key, entry);
      }
    }
  }
}

const round3 = (value: number): number => Number(value.toPrecision(4));
const rows: Row[] = [...figures.values()].map(({ values, ...of }) => {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    ...of,
    min: round3(sorted[0] ?? Number.NaN),
    median: round3(sorted[sorted.length >> 1] ?? Number.NaN),
    max: round3(sorted.at(-1) ?? Number.NaN),
    n: sorted.length,
  };
});
const machine = `${cpus().length} cores, ${platform()} ${release()}`;
await mkdir(new URL("./results/", import.meta.url), { recursive: true });
await writeFile(
  new URL("./results/latest.json", import.meta.url),
  `${JSON.stringify({ machine, date: new Date().toISOString(), rows }, undefined, 2)}\n`,
);

const median = (system: string, runtime: string, metric: string): number | undefined =>
  rows.find((row) => row.system === system && row.runtime === runtime && row.metric === metric)?.median;
console.table(
  rows
    .filter((row) => row.system === "snakepit")
    .map((row) => {
      const floor = median("floor", row.runtime, row.metric);
      return {
        runtime: row.runtime,
        metric: row.metric,
        min: row.min,
        median: row.median,
        max: row.max,
        unit: row.unit,
        floor: floor ?? "",
        "of the floor": floor === undefined ? "" : round3(row.median / floor),
      };
    }),
);

/** What this project promises of itself, as ratios to the floor or to another figure of the same run. */
const goals = runtimes.flatMap((runtime) => {
  const own = (metric: string): number => median("snakepit", runtime, metric) ?? Number.NaN;
  const uncached = own("uncached_get_us") / own("bare_call_us");
  const crowded = own("session_op_us_one_of_1000") / own("session_op_us");
  const ratio = (metric: string): number =>
    (median("snakepit", runtime, metric) ?? Number.NaN) / (median("floor", runtime, metric) ?? Number.NaN);
  return [
    { goal: `${runtime}: unary 1 KB p50 at most 2.5 x the floor`, figure: ratio("unary_1k_p50_us"), met: ratio("unary_1k_p50_us") <= 2.5 },
    {
      goal: `${runtime}: calls/s with 32 at once at least 0.5 x the floor`,
      figure: ratio("calls_per_s_32"),
      met: ratio("calls_per_s_32") >= 0.5,
    },
    { goal: `${runtime}: a cached read in Python under 5 us`, figure: own("cached_get_us"), met: own("cached_get_us") < 5 },
    { goal: `${runtime}: an uncached read in Python under 3 x a bare call of the worker`, figure: uncached, met: uncached < 3 },
    {
      goal: `${runtime}: 1,000 sessions of 100 variables under 200 MB`,
      figure: own("host_rss_mb_1000_sessions"),
      met: own("host_rss_mb_1000_sessions") < 200,
    },
    {
      goal: `${runtime}: a forked worker with numpy and scikit-learn ready in 20 ms`,
      figure: own("fork_ready_ms"),
      met: own("fork_ready_ms") <= 20,
    },
    { goal: `${runtime}: it has under 5 MB of its own`, figure: own("fork_private_mb"), met: own("fork_private_mb") < 5 },
    { goal: `${runtime}: an operation with 1,000 sessions at most 1.2 x that with one`, figure: crowded, met: crowded <= 1.2 },
  ];
});
for (const { goal, figure, met } of goals) console.log(`${met ? "met   " : "missed"}  ${goal}: ${round3(figure)}`);
