/**
 * `node scripts/examples.mjs [--report FILE] [NAME…]`: runs the programs of examples/ on Bun, Node and Deno and compares what they print with the comment at
 * their end. `// Prints:` is followed by the lines of standard output; "…" stands for anything within a line. `// Runs on bun` at the top of a file leaves the
 * other runtimes out.
 */
import { spawn } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const LIMIT_MS = 60_000;
const AT_ONCE = 2;
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = join(root, "examples");
const runtimes = { bun: ["bun"], node: ["node"], deno: ["deno", "run", "--quiet", "--allow-all"] };

const { values: options, positionals: names } = parseArgs({ options: { report: { type: "string" } }, allowPositionals: true });

/** What a program says that it prints, as an expression for the whole output. */
function expectation(source, name) {
  const comment = /^\/\/ Prints:\n((?:\/\/.*\n?)+)\s*$/m.exec(source)?.[1];
  if (comment === undefined) throw new Error(`${name} does not end with "// Prints:" and what it prints`);
  const lines = comment.trimEnd().split("\n");
  const text = lines.map((line) => line.replace(/^\/\/ ?/, "")).join("\n");
  const pattern = text.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return { text, matches: (output) => new RegExp(`^${pattern.join(".*")}$`).test(output.trimEnd()) };
}

/** Runs one program; resolves with what went wrong, or undefined. */
function run(runtime, file, expected) {
  const [command, ...args] = runtimes[runtime];
  return new Promise((resolve) => {
    const child = spawn(command, [...args, join("examples", file)], { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    child.on("error", (error) => resolve(`could not be run: ${error.message}`));
    child.on("close", (code, signal) => {
      if (code !== 0) resolve(`${signal === null ? `exit code ${code}` : `ended by ${signal}`}\n${output}${errors}`);
      else if (!expected.matches(output)) resolve(`printed\n${output}\ninstead of\n${expected.text}\n${errors}`);
      else resolve(undefined);
    });
  });
}

const jobs = readdirSync(folder)
  .filter((file) => /\.m?ts$/.test(file) && (names.length === 0 || names.some((name) => file.includes(name))))
  .sort()
  .flatMap((file) => {
    const source = readFileSync(join(folder, file), "utf8");
    const only = /^\/\/ Runs on (?<names>[\w, ]+)$/m.exec(source)?.groups.names.split(/, | and /);
    const expected = expectation(source, file);
    return Object.keys(runtimes).flatMap((runtime) => (only === undefined || only.includes(runtime) ? [{ file, runtime, expected }] : []));
  });

let passed = 0;
const failures = [];
async function lane() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const fault = await run(job.runtime, job.file, job.expected);
    if (fault === undefined) passed++;
    else failures.push(`${job.file} on ${job.runtime}: ${fault}`);
    console.log(`${fault === undefined ? "ok    " : "FAILED"}  ${job.file} on ${job.runtime}`);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, lane));
for (const failure of failures) console.error(`\n${failure}`);
if (options.report) writeFileSync(options.report, JSON.stringify({ passed, failed: failures.length }));
process.exitCode = failures.length > 0 ? 1 : 0;
