/**
 * `node scripts/examples.mjs [--report FILE] [NAME…]`: runs the programs of examples/, and the first one of the README, on Bun, Node and Deno, and compares what
 * they print with what they say. In an example the lines after `// Prints:` say it; in the README the first block of text does. "…" stands for anything within a
 * line. `// Runs on bun` in a file leaves the other runtimes out.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const LIMIT_MS = 60_000;
const AT_ONCE = 2;
const root = fileURLToPath(new URL("../", import.meta.url));
const folder = join(root, "examples");
const runtimes = { bun: ["bun"], node: ["node"], deno: ["deno", "run", "--quiet", "--allow-all"] };

/** The README's program has no environment of its own beside it. */
const env = { ...process.env, SNAKEPIT_PYTHON: join(root, ".venv", "bin", "python") };

const { values: options, positionals: names } = parseArgs({ options: { report: { type: "string" } }, allowPositionals: true });

/** Whether an output is what was announced. */
function expectation(text) {
  const pattern = text.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return { text, matches: (output) => new RegExp(`^${pattern.join(".*")}$`).test(output.trimEnd()) };
}

/** What an example says that it prints. */
function announcedIn(source, name) {
  const comment = /^\/\/ Prints:\n((?:\/\/.*\n?)+)\s*$/m.exec(source)?.[1];
  if (comment === undefined) throw new Error(`${name} does not end with "// Prints:" and what it prints`);
  const lines = comment.trimEnd().split("\n");
  return lines.map((line) => line.replace(/^\/\/ ?/, "")).join("\n");
}

/** Puts the first program of the README where it finds the package, as a reader would. */
function writeReadmeProgram() {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const block = (language) => {
    const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "m").exec(readme)?.[1];
    if (found === undefined) throw new Error(`README.md has no block of ${language}`);
    return found;
  };
  const cwd = join(root, ".setup", "readme");
  mkdirSync(cwd, { recursive: true });
  writeFileSync(join(cwd, "tools.py"), block("python"));
  writeFileSync(join(cwd, "program.ts"), block("ts"));
  return { name: "README.md", cwd, path: "program.ts", expected: expectation(block("text").trimEnd()), runtimes: Object.keys(runtimes) };
}

/** Runs one program; resolves with what went wrong, or undefined. */
function run(runtime, { cwd, path, expected }) {
  const [command, ...args] = runtimes[runtime];
  return new Promise((resolve) => {
    // A group of its own: Deno runs as the child of a script, and both have to end.
    const child = spawn(command, [...args, path], { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    const limit = setTimeout(() => process.kill(-child.pid, "SIGKILL"), LIMIT_MS);
    let output = "";
    let errors = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      errors += text;
    });
    child.on("error", (error) => {
      clearTimeout(limit);
      resolve(`could not be run: ${error.message}`);
    });
    child.on("close", (code, signal) => {
      clearTimeout(limit);
      if (code !== 0) resolve(`${signal === null ? `exit code ${code}` : `ended by ${signal}`}\n${output}${errors}`);
      else if (!expected.matches(output)) resolve(`printed\n${output}\ninstead of\n${expected.text}\n${errors}`);
      else resolve(undefined);
    });
  });
}

const examples = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .sort()
  .map((file) => {
    const source = readFileSync(join(folder, file), "utf8");
    const only = /^\/\/ Runs on (?<names>[\w, ]+)$/m.exec(source)?.groups.names.split(/, | and /);
    return {
      name: file,
      cwd: root,
      path: join("examples", file),
      expected: expectation(announcedIn(source, file)),
      runtimes: only ?? Object.keys(runtimes),
    };
  });
const jobs = [writeReadmeProgram(), ...examples]
  .filter(({ name }) => names.length === 0 || names.some((part) => name.includes(part)))
  .flatMap((program) => program.runtimes.map((runtime) => ({ runtime, program })));

let passed = 0;
const failures = [];
async function lane() {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
    const fault = await run(job.runtime, job.program);
    if (fault === undefined) passed++;
    else failures.push(`${job.program.name} on ${job.runtime}: ${fault}`);
    console.log(`${fault === undefined ? "ok    " : "FAILED"}  ${job.program.name} on ${job.runtime}`);
  }
}
await Promise.all(Array.from({ length: AT_ONCE }, lane));
for (const failure of failures) console.error(`\n${failure}`);
if (options.report) writeFileSync(options.report, JSON.stringify({ passed, failed: failures.length }));
process.exitCode = failures.length > 0 ? 1 : 0;
