/**
 * `npm run bench [-- --quick] [-- --rounds N] [-- --check | --record | --report]`: measures Snakepit through its public API beside a raw socket and beside the
 * packages that others call Python with. Systems and runtimes take turns round by round, because a machine drifts by a factor of two within minutes: only
 * ratios within one run mean anything. It begins with two equal systems, whose distance says how fine the rest can be told.
 *
 * Writes bench/results/latest.json and prints how every goal stands; a full run also draws docs/benchmarks.md and its charts.
 *
 * --check measures what the guard looks at, and fails when it has become slower than bench/record.json says. Without measuring, from the last results:
 * --record writes that file, --report draws the report.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, platform, release } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { goals } from "./goals.ts";
import { type Ratios, ratiosOf, slower, tooRough } from "./guard.ts";
import { judge } from "./judge.ts";
import type { Effort } from "./measure.ts";
import { installPeers } from "./peers.ts";
import { canPin } from "./pin.ts";
import { child, efforts, everything, guarded, type Task } from "./plan.ts";
import { writeReport } from "./report.ts";
import { Collected, lookup, type Results } from "./results.ts";
import { runTask, type Setting } from "./run-task.ts";
import { round4, spread } from "./statistics.ts";

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    check: { type: "boolean", default: false },
    record: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
  },
});
/** Rounds that are enough for a median that can be believed, and for a look. */
const FULL_ROUNDS = 5;
const QUICK_ROUNDS = 1;
const LEAST_PAIRS = 2;
const rounds = Number(flags.rounds ?? (flags.quick ? QUICK_ROUNDS : FULL_ROUNDS));
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds must be a whole number from 1, not ${flags.rounds}`);
const effort: Effort = flags.quick ? efforts.quick : efforts.full;
const latest = new URL("./results/latest.json", import.meta.url);
const record = new URL("./record.json", import.meta.url);
const began = performance.now();
const say = (text: string): void =>
  void process.stderr.write(`[${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s] ${text}\n`);

/** The same system against itself, in turns: what half of all rounds make of a difference that is not there. */
async function pairs(setting: Setting, count: number): Promise<Record<string, number>> {
  const sides = [new Collected(), new Collected()] as const;
  const task = child("snakepit", "node", false);
  for (let pair = 1; pair <= count; pair++) {
    say(`two equal systems, pair ${pair} of ${count}`);
    for (const side of sides) for (const finding of await runTask(task, setting, [])) side.add(task.system, task.runtime, finding);
  }
  const metrics = sides[0].rows.map(({ metric }) => metric);
  const values = (side: Collected, metric: string): readonly number[] => side.values(task.system, task.runtime, metric);
  return Object.fromEntries(metrics.map((metric) => [metric, round4(spread(values(sides[0], metric), values(sides[1], metric)))]));
}

async function measureAll(tasks: readonly Task[], setting: Setting): Promise<Collected> {
  const collected = new Collected();
  for (let round = 1; round <= rounds; round++) {
    // Forwards and backwards, so that nobody always stands behind the same neighbour.
    for (const [number, task] of (round % 2 === 0 ? tasks.toReversed() : tasks).entries()) {
      const missing = collected.missing(task.system, task.runtime);
      if (missing.includes("*")) continue;
      say(`round ${round} of ${rounds}, ${number + 1} of ${tasks.length}: ${task.what} on ${task.runtime}`);
      for (const finding of await runTask(task, setting, missing)) collected.add(task.system, task.runtime, finding);
    }
  }
  return collected;
}

async function measure(): Promise<Results> {
  const peers = flags.check ? undefined : await installPeers(say);
  const setting: Setting = { effort, python: fileURLToPath(new URL("../.venv/bin/python", import.meta.url)), peers };
  const apart = await pairs(setting, Math.max(rounds, LEAST_PAIRS));
  console.log("Two equal systems are this far apart, so nothing finer is claimed:");
  console.log(
    Object.entries(apart)
      .map(([metric, share]) => `  ${metric} ${(share * 100).toFixed(0)} %`)
      .join("\n"),
  );
  const collected = await measureAll(flags.check ? guarded() : everything(flags.quick), setting);
  return {
    machine: `${cpus().length} cores, ${platform()} ${release().split("-")[0]}`,
    date: new Date().toISOString(),
    quick: flags.quick,
    rounds,
    pinned: canPin(),
    spread: apart,
    rows: collected.rows,
    absent: collected.absent,
  };
}

function printRows(results: Results): void {
  const find = lookup(results);
  console.table(
    results.rows.map((row) => {
      const floor = find("floor", row.runtime, row.metric);
      return {
        system: row.system,
        runtime: row.runtime,
        metric: row.metric,
        min: row.min,
        median: row.median,
        max: row.max,
        unit: row.unit,
        "of the floor": floor === undefined || row.system === "floor" ? "" : round4(row.median / floor),
      };
    }),
  );
  for (const { system, runtime, metric, why } of results.absent) {
    console.log(`none     ${system} on ${runtime}, ${metric === "*" ? "everything" : metric}: ${why}`);
  }
}

function printGoals(results: Results): void {
  for (const { what, runtime, limit, figure, verdict, isClose } of judge(goals, lookup(results), results.spread)) {
    const close = isClose ? ", closer than two equal systems" : "";
    console.log(`${verdict.padEnd(10)}${runtime.padEnd(5)}${what}: ${figure === undefined ? "-" : round4(figure)} (goal ${limit}${close})`);
  }
}

function check(now: Ratios, apart: Results["spread"]): void {
  if (!existsSync(record)) throw new Error("there is no bench/record.json: measure on a quiet machine, then --record");
  const recorded: Ratios = JSON.parse(readFileSync(record, "utf8"));
  const fallen = slower(recorded, now, apart);
  for (const { name, recorded: was, now: is, allowed } of fallen) {
    console.log(`slower   ${name}: ${is} x the floor, was ${was}, at least ${allowed} is allowed`);
  }
  for (const name of tooRough(recorded, apart)) console.log(`rough    ${name}: two equal systems are too far apart here to guard it`);
  console.log(
    fallen.length === 0 ? "Nothing has become slower." : `${fallen.length} of ${Object.keys(recorded).length} have become slower.`,
  );
  if (fallen.length > 0) process.exitCode = 1;
}

if (flags.report || flags.record) {
  const last: Results = JSON.parse(readFileSync(latest, "utf8"));
  if (flags.report) await writeReport(last);
  if (flags.record) await writeFile(record, `${JSON.stringify(ratiosOf(lookup(last)), undefined, 2)}\n`);
} else {
  const results = await measure();
  printRows(results);
  if (flags.check) check(ratiosOf(lookup(results)), results.spread);
  else {
    printGoals(results);
    await mkdir(new URL("./results/", import.meta.url), { recursive: true });
    await writeFile(latest, `${JSON.stringify(results, undefined, 2)}\n`);
    if (!flags.quick) await writeReport(results);
  }
  say("done");
}
