/** docs/benchmarks.md and its charts, drawn from the results of a run. */
import { mkdir, writeFile } from "node:fs/promises";
import { charts, draw } from "./charts.ts";
import { goals } from "./goals.ts";
import { judge, type Verdict } from "./judge.ts";
import { inProcessPeers, otherProcessPeers } from "./plan.ts";
import { type Lookup, lookup, type Results } from "./results.ts";
import { round4 } from "./statistics.ts";

const docs = new URL("../docs/", import.meta.url);

/** What a column of the big table shows. */
const columns = [
  ["p50 us", "unary_1k_p50_us"],
  ["p99 us", "unary_1k_p99_us"],
  ["calls/s, 32 at once", "calls_per_s_32"],
  ["64 KB calls/s", "unary_64k_calls_per_s"],
  ["items/s", "stream_items_per_s"],
  ["first item ms", "stream_first_ms"],
  ["10 MB, MB/s", "echo_10mb_mb_per_s"],
  ["cold start ms", "cold_start_ms"],
  ["worker MB", "worker_private_mb"],
] as const;

/** What a system is, where its name does not say it. */
const words: Readonly<Record<string, string>> = {
  floor: "raw socket: no protocol, a frame a write",
  "@grpc/grpc-js": "@grpc/grpc-js, to grpcio",
  undici: "undici, to FastAPI on uvicorn",
  zeromq: "zeromq, with MessagePack",
  spawn: "a process for each call",
  "node-calls-python": "node-calls-python (in the process)",
  "@platformatic/python-node": "@platformatic/python-node (in the process)",
};

/** Draws docs/benchmarks.md and docs/charts. */
export async function writeReport(results: Results): Promise<void> {
  await mkdir(new URL("charts/", docs), { recursive: true });
  for (const chart of charts) await writeFile(new URL(`charts/${chart.name}.svg`, docs), draw(chart, results));
  await writeFile(new URL("benchmarks.md", docs), reportOf(results));
}

/** The page, as Markdown. */
export function reportOf(results: Results): string {
  const find = lookup(results);
  const verdicts = judge(goals, find, results.spread);
  return `${[
    "# Benchmarks",
    introduction(results),
    ...charts.map(({ name, title }) => `![${title}](charts/${name}.svg)`),
    "## Every system",
    "Medians. An empty cell has its reason [below](#what-has-no-figure).",
    ...(["node", "bun", "deno"] as const).map((runtime) => systemsTable(runtime, results, find)),
    "## Goals",
    "A goal is a ratio of two figures of this run, or one figure. A peer that does not run on Bun is taken as it is on Node. *Close* says that figure and limit are nearer to each other than two runs of the same system.",
    goalsTable(verdicts),
    "## Where it loses",
    losses(verdicts, results, find),
    "## What has no figure",
    absences(results),
    howMeasured(results),
  ].join("\n\n")}\n`;
}

/** From this share on two runs of the same system are so far apart that the page says little. */
const ROUGH = 0.3;

function introduction({ machine, date, rounds, quick, spread }: Results): string {
  const apart = spread["calls_per_s_32"] ?? 0;
  const busy =
    apart < ROUGH
      ? ""
      : `\n\n**The machine was busy with other work in this run**: calls a second of the same system were ${(apart * 100).toFixed(0)} % apart. Take no figure of this page for more than that; run \`npm run bench\` on a quiet machine to draw it again.`;
  return `What a call to Python costs by Snakepit, by a raw socket, and by the packages that others use for it. Drawn by \`npm run bench\` from one ${quick ? "quick look" : "run"} of ${rounds} ${rounds === 1 ? "round" : "rounds"} on ${date.slice(0, 10)} (${machine}). Absolute figures drift with the machine by a factor of two; ratios within one run hold.${busy}`;
}

function systemsTable(runtime: string, { rows }: Results, find: Lookup): string {
  const known = ["snakepit", "floor", ...otherProcessPeers, ...inProcessPeers];
  const systems = known.filter((system) => rows.some((row) => row.system === system && row.runtime === runtime));
  const cells = (system: string): string[] =>
    columns.map(([, metric]) => {
      const value = find(system, runtime, metric);
      return value === undefined ? "" : figure(value);
    });
  return table(
    [title(runtime), ...columns.map(([name]) => name)],
    systems.map((system) => [system === "snakepit" ? "**snakepit**" : (words[system] ?? system), ...cells(system)]),
  );
}

function goalsTable(verdicts: readonly Verdict[]): string {
  return table(
    ["", "runtime", "goal", "measured", ""],
    verdicts.map(({ what, runtime, limit, figure: value, verdict, isClose }) => [
      what,
      title(runtime),
      limit,
      value === undefined ? "" : figure(value),
      isClose ? `${verdict}, close` : verdict,
    ]),
  );
}

/** Goals that were missed, and systems that are ahead on a line of the big table. */
function losses(verdicts: readonly Verdict[], { rows, spread }: Results, find: Lookup): string {
  const missed = verdicts
    .filter(({ verdict }) => verdict === "missed")
    .map(
      ({ what, runtime, limit, figure: value }) =>
        `- ${what} on ${title(runtime)}: ${value === undefined ? "" : figure(value)}, the goal is ${limit}.`,
    );
  const ahead = columns.flatMap(([name, metric]) =>
    ["node", "bun"].flatMap((runtime) => {
      const own = find("snakepit", runtime, metric);
      if (own === undefined) return [];
      const less = !metric.endsWith("_per_s") && metric !== "calls_per_s_32";
      const advantage = (value: number): number => (less ? own / value : value / own);
      return [...otherProcessPeers, ...inProcessPeers].flatMap((system) => {
        const value = rows.find((row) => row.system === system && row.runtime === runtime && row.metric === metric)?.median;
        if (value === undefined || advantage(value) <= 1 + (spread[metric] ?? 0)) return [];
        return [`- ${name} on ${title(runtime)}: ${words[system] ?? system} is ahead by ${round4(advantage(value))} x.`];
      });
    }),
  );
  return [
    missed.length === 0 ? "No goal was missed." : `Goals that were missed:\n\n${missed.join("\n")}`,
    ahead.length === 0
      ? "No other system is ahead on any line of the table."
      : `Systems that are ahead, by more than two equal ones are apart:\n\n${ahead.join("\n")}`,
    "A system inside the process has nothing to cross, so a short call is quicker there. It is one interpreter with one lock, and what crashes in it takes the program along.",
  ].join("\n\n");
}

function absences({ absent }: Results): string {
  const rows = new Map<string, string[]>();
  for (const { system, runtime, metric, why } of absent) {
    const key = `${system}\u0000${why}\u0000${runtime}`;
    rows.set(key, [...(rows.get(key) ?? []), metric]);
  }
  if (rows.size === 0) return "Nothing.";
  return table(
    ["", "runtime", "figures", "why"],
    Array.from(rows, ([key, metrics]) => {
      const [system = "", why = "", runtime = ""] = key.split("\u0000");
      const names = metrics.includes("*")
        ? "all"
        : metrics.map((metric) => columns.find(([, of]) => of === metric)?.[0] ?? metric).join(", ");
      return [words[system] ?? system, title(runtime), names, why];
    }),
  );
}

function howMeasured({ pinned, rounds, spread }: Results): string {
  const apart = Object.entries(spread)
    .map(([metric, share]) => `${columns.find(([, of]) => of === metric)?.[0] ?? metric} ${(share * 100).toFixed(0)} %`)
    .join("; ");
  return `## How it was measured

- **The same Python work for all** (\`bench/systems/work.py\`): text back, bytes back, short items. Snakepit is called through its public API, so types are validated, and every call has a deadline and can be cancelled. The others do what they do
  by themselves; where one has no calls, bytes or streams of its own, its file in \`bench/systems\` adds as little as there can be, such as numbers to tell answers apart, or base64.
- **One process a round** for each system on each runtime, all systems after one another in each of ${rounds} ${rounds === 1 ? "round" : "rounds"}, forwards and backwards in turn. A figure of a round is itself a median, or a rate over half a second, after a time of warming up that is as long, for single calls twice and for 10 MB half as long; the table shows
  the median of the rounds, \`bench/results/latest.json\` their minimum and maximum too.
- **Processors**: ${pinned ? "the host has one to itself and its Python process another, by `taskset`, for every system. Not pinned are systems without a Python process of their own, cold starts, and what has several workers." : "nothing was pinned, because this machine has no `taskset` or one processor."}
- **How fine it is**: before all else the same system runs against itself. Half of all such pairs are apart by: ${apart}. Nothing finer than that is claimed, or guarded.
- **Cold start** is the time from the first line of a program to its first answer, with what it loads. **Python's start**, from which the goal counts, is \`python3 -c pass\` from spawn to end.
- **Versions** of the others are pinned in \`bench/peers/package.json\` and \`bench/peers/requirements.in\`, their lock files beside them. The bench installs them into \`bench/peers\`.

\`npm run bench -- --quick\` is a rough look in less than a minute. \`npm run bench -- --check\` measures Snakepit beside the raw socket and fails when a ratio is more than 20 % and the spread below \`bench/record.json\`.
From the last results \`npm run bench -- --record\` writes that record, and \`--report\` draws this page again.`;
}

const title = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

/** Three digits that count, thousands apart. */
const figure = (value: number): string => Number(value.toPrecision(3)).toLocaleString("en", { maximumSignificantDigits: 3 });

function table(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...body.map(line)].join("\n");
}
