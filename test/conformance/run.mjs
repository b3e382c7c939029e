/**
 * Runs the Connect conformance suite over the local carrier, with TypeScript as client and Python as server, and against the gateway's own server.
 *
 *   node test/conformance/run.mjs [bun] [node] [deno]     default: bun node
 *
 * Exit codes: 0 every case passed; 1 a case failed, or not all of them ran; 3 there is no Go.
 */
import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GoMissing } from "../../scripts/setup/go.mjs";
import { installSuite } from "./suite.mjs";

/** Cases of the two runs: fewer would mean that something was left out. */
const EXPECTED = { embedded: 76, "one-sided": 47 };
/** Far above the seconds that a run takes: a hang ends here. */
const RUN_LIMIT_MS = 300_000;

/** What the gateway's server offers on each runtime, and how many cases that is. */
const GATEWAYS = {
  bun: { features: "gateway-bun.yaml", cases: 465 },
  node: { features: "gateway-node.yaml", cases: 1421 },
  deno: { features: "gateway-node.yaml", cases: 1421 },
};

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const bin = (name) => join(root, "node_modules", ".bin", name);
const runtimes = {
  bun: [bin("bun")],
  node: [bin("node")],
  // The program itself: what stands in .bin passes no signal on to it.
  deno: [join(root, "node_modules", "deno", "deno"), "run", "--quiet", "--allow-all"],
};
const client = join(here, "client.ts");
const gatewayServer = join(here, "gateway-server.ts");
const server = [join(root, ".venv", "bin", "python"), join(here, "server.py")];
// The suite's messages are in a package whose name an installed one may have too: ours come first.
const env = { ...process.env, PYTHONPATH: [join(here, "gen"), join(root, "python", "src")].join(delimiter) };

/**
 * One run of the runner.
 * @param {string[]} args its options and, after "--", the programs under test
 * @returns {Promise<{ passed: number, failed: number, exitCode: number, output: string }>} `failed` counts the cases that could not run too
 */
function runSuite(runner, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(runner, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], timeout: RUN_LIMIT_MS });
    let output = "";
    child.stdout.on("data", (text) => {
      output += text;
    });
    child.stderr.on("data", (text) => {
      output += text;
    });
    child.on("error", reject);
    child.on("close", (exitCode, signal) => {
      const count = (pattern) => Number(pattern.exec(output)?.[1] ?? 0);
      if (signal) output += `\nended by ${signal}\n`;
      resolve({
        passed: count(/^(\d+) passed, \d+ failed/m),
        failed:
          count(/^\d+ passed, (\d+) failed/m) + count(/^Another (\d+) could not be run/m) + count(/^\(Another (\d+) failed as expected/m),
        exitCode: exitCode ?? 1,
        output,
      });
    });
  });
}

async function main() {
  const chosen = process.argv.length > 2 ? process.argv.slice(2) : ["bun", "node"];
  const unknown = chosen.find((name) => !(name in runtimes));
  if (unknown !== undefined) throw new Error(`"${unknown}" is no runtime: choose among ${Object.keys(runtimes).join(", ")}.`);
  const suite = installSuite(root);
  const oneSided = suite.testFiles.flatMap((file) => ["--test-file", file]);
  const rows = [];
  const run = async (runtime, name, cases, args) => {
    const started = performance.now();
    const result = await runSuite(suite.runner, args);
    const missing = Math.max(0, cases - result.passed - result.failed);
    const good = result.exitCode === 0 && result.failed === 0 && result.passed === cases;
    rows.push({ runtime, name, cases, ...result, missing, good, seconds: (performance.now() - started) / 1000 });
    if (!good) console.log(`${runtime}, ${name}: exit code ${result.exitCode}\n${result.output}`);
  };
  for (const runtime of chosen) {
    const command = runtimes[runtime];
    const carrier = (args) => [
      "--mode",
      "both",
      "--conf",
      join(here, "features.yaml"),
      ...args,
      "--",
      ...command,
      client,
      "----",
      ...server,
    ];
    await run(runtime, "embedded", EXPECTED.embedded, carrier([]));
    await run(runtime, "one-sided", EXPECTED["one-sided"], carrier(oneSided));
    const { features, cases } = GATEWAYS[runtime];
    await run(runtime, "gateway", cases, ["--mode", "server", "--conf", join(here, features), "--", ...command, gatewayServer]);
  }

  const line = (...cells) => console.log(cells.map((cell, i) => (i < 2 ? String(cell).padEnd(12) : String(cell).padStart(9))).join(""));
  line("runtime", "suites", "cases", "passed", "failed", "missing", "seconds");
  for (const row of rows) line(row.runtime, row.name, row.cases, row.passed, row.failed, row.missing, row.seconds.toFixed(1));
  const sum = (field) => rows.reduce((total, row) => total + row[field], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed") + sum("missing")} failed`);
  return rows.every((row) => row.good) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof GoMissing ? 3 : 1;
}
