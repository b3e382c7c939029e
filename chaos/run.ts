/**
 * `npm run chaos [-- --seed N] [--seconds S] [--only NAME]… [--quick] [--strict] [--replay HEX]`: breaks things on purpose and looks whether what is promised holds.
 *
 * Each scenario runs in a process of its own, which is ended when it hangs; then nothing that it started may be left. Progress goes to stderr, the summary as JSON
 * to stdout. Exits 1 when there is a violation. The seconds are shared out among the scenarios; one that does not come to its end says so.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism, release, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { processesWith, signal } from "./processes.ts";
import type { Findings } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { within } from "./support.ts";

/** Beyond its own time a scenario may finish what it has begun, in milliseconds. */
const OVERTIME_MS = 30_000;
/** What a scenario may take with `--quick`, whose counts are small: it is far above what any takes. */
const QUICK_MS = 30_000;
/** How soon everything that a scenario has started must be gone after it. */
const GONE_MS = 1_000;

const { values: flags } = parseArgs({
  options: {
    seed: { type: "string" },
    seconds: { type: "string" },
    only: { type: "string", multiple: true },
    quick: { type: "boolean", default: false },
    strict: { type: "boolean", default: false },
    replay: { type: "string" },
  },
});

function wholeNumber(name: "seed" | "seconds", value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} must be a whole number from 0, not ${value}`);
  return number;
}

const seed = wholeNumber("seed", flags.seed, Math.floor(Math.random() * 2 ** 32));
const seconds = wholeNumber("seconds", flags.seconds, 900);
const names = flags.only ?? Object.keys(scenarios);
const chosen = names.map((name) => {
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined;
  if (scenario === undefined) throw new Error(`there is no scenario "${name}", only ${Object.keys(scenarios).join(", ")}`);
  return { name, scenario };
});
const started = performance.now();

/** What is left of the time, shared out among the scenarios that are left. */
function timeFor(at: number): number {
  const share = (from: number): number => chosen.slice(from).reduce((sum, { scenario }) => sum + scenario.share, 0);
  const left = Math.max(0, seconds * 1_000 - (performance.now() - started));
  return flags.quick ? QUICK_MS : (left * (chosen[at]?.scenario.share ?? 0)) / Math.max(1, share(at));
}

interface Result extends Findings {
  readonly name: string;
  readonly title: string;
  readonly seconds: number;
}

const nothing: Findings = { figures: {}, violations: [], gaps: [] };
let running: ChildProcess | undefined;
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(name, () => {
    running?.kill("SIGKILL");
    process.exit(130);
  });
}

async function play(name: string, ownMs: number): Promise<Findings> {
  const run = randomUUID();
  const folder = mkdtempSync(join(tmpdir(), "chaos-"));
  // The user's own registry is not for what is killed here.
  const state = mkdtempSync(join(tmpdir(), "chaos-state-"));
  const order = JSON.stringify({ name, seed, forMs: ownMs, quick: flags.quick, replay: flags.replay, run });
  const child = spawn(process.execPath, [fileURLToPath(new URL("./child.ts", import.meta.url)), order], {
    env: { ...process.env, CHAOS_RUN: run, SNAKEPIT_STATE: state, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  running = child;
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
  });
  let hung = false;
  const limit = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, ownMs + OVERTIME_MS);
  const [code, endedBy] = await once(child, "close");
  clearTimeout(limit);
  const violations: string[] = [];
  let findings = nothing;
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  if (code === 0 && last.startsWith("{")) findings = JSON.parse(last);
  else
    violations.push(
      hung ? `it hung: no end ${OVERTIME_MS / 1_000} s after its time` : `its host ended with ${endedBy ?? `exit code ${code}`}`,
    );
  const marker = `CHAOS_RUN=${run}`;
  if (!(await within(GONE_MS, () => processesWith(marker).length === 0))) {
    const left = processesWith(marker);
    violations.push(`${left.length} processes were left behind`);
    for (const pid of left) signal(pid, "SIGKILL");
  }
  const files = readdirSync(folder);
  if (files.length > 0 && !hung) violations.push(`files were left behind: ${files.slice(0, 3).join(", ")}`);
  for (const path of [folder, state]) rmSync(path, { recursive: true, force: true });
  return { ...findings, violations: [...findings.violations, ...violations] };
}

const results: Result[] = [];
for (const [at, { name, scenario }] of chosen.entries()) {
  process.stderr.write(`${name}: ${scenario.title}\n`);
  const since = performance.now();
  const findings = await play(name, timeFor(at));
  const took = Math.round((performance.now() - since) / 100) / 10;
  results.push({ name, title: scenario.title, seconds: took, ...findings });
  const wrong = [...findings.violations.map((text) => `  violation: ${text}`), ...findings.gaps.map((text) => `  not shown: ${text}`)];
  process.stderr.write(
    `${name}: ${findings.violations.length === 0 ? "holds" : "DOES NOT HOLD"} (${took} s)\n${wrong.map((line) => `${line}\n`).join("")}`,
  );
}

const violations = results.flatMap(({ name, violations: own, gaps }) =>
  [...own, ...(flags.strict ? gaps : [])].map((text) => `${name}: ${text}`),
);
const machine = `${availableParallelism()} cores, ${process.platform} ${release()}`;
console.log(
  JSON.stringify({ seed, seconds, quick: flags.quick, strict: flags.strict, machine, violations, scenarios: results }, undefined, 2),
);
process.exitCode = violations.length > 0 ? 1 : 0;
