/** Runs one suite and says how it went. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readFailures } from "./failures.mjs";
import { readReport } from "./report.mjs";

/** Far above what any suite takes: one that hangs ends here. */
const LIMIT_MS = 600_000;
const running = new Set();

function endGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It ended by itself.
  }
}

/** Ends the suites that run now. */
export function endSuites() {
  for (const child of running) endGroup(child, "SIGKILL");
}

/** Keeps what a failed suite wrote, and nothing of one that passed. Returns the file's path within the repository. */
function keepOutput(root, name, output, failed) {
  const path = join(".setup", "output", `${name}.txt`);
  rmSync(join(root, path), { force: true });
  if (!failed) return "";
  mkdirSync(join(root, ".setup", "output"), { recursive: true });
  writeFileSync(join(root, path), output);
  return path;
}

/**
 * @typedef {object} Result
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {{ name: string, text: string }[]} failures the failed tests, as far as the suite names tests
 * @property {string} output all that the suite wrote
 * @property {string} kept the file that keeps the output of a suite that failed, within the repository
 * @property {string} reason how the suite ended when it failed
 * @property {number} ms
 */

/**
 * @param {import("./suites.mjs").Suite} suite
 * @param {{ root: string, reports: string }} where
 * @returns {Promise<Result>}
 */
export function runSuite(suite, { root, reports }) {
  const fileName = suite.name.replaceAll(" ", "-");
  const report = suite.report && join(reports, suite.report);
  const [file, ...args] = suite.command.map((part) => part.replace("REPORT", report ?? "REPORT"));
  const since = performance.now();
  // A short name: paths of sockets may have some hundred characters.
  const temporary = mkdtempSync(join(tmpdir(), "sp-"));
  return new Promise((resolve) => {
    // A group of its own, so that what a suite leaves behind when it hangs can be ended with it.
    const child = spawn(file, args, {
      cwd: root,
      // A registry of its own: one suite must not clear up what another one failed to. What tests leave in temporary folders goes with the suite.
      env: { ...process.env, NO_COLOR: "1", TMPDIR: temporary, SNAKEPIT_STATE: join(root, ".setup", "state", fileName) },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    running.add(child);
    let output = "";
    let late = false;
    const keep = (text) => {
      output += text;
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const limit = setTimeout(() => {
      late = true;
      endGroup(child, "SIGKILL");
    }, LIMIT_MS);
    const end = (ended, how) => {
      clearTimeout(limit);
      running.delete(child);
      rmSync(temporary, { recursive: true, force: true });
      const counts = report ? readReport(report) : { passed: ended ? 1 : 0, failed: ended ? 0 : 1, skipped: 0 };
      let reason = ended ? "" : late ? `ended after ${LIMIT_MS / 1000} s` : how;
      if (ended && counts.failed === 0 && counts.passed === 0) reason = "ran no test";
      // A runner can fail without a failed test: a file that does not load, an error between tests.
      if (reason !== "" && counts.failed === 0) counts.failed = 1;
      const failures = counts.failed > 0 ? readFailures(report, output) : [];
      const kept = keepOutput(root, fileName, output, counts.failed > 0);
      resolve({ ...counts, failures, output, kept, reason, ms: performance.now() - since });
    };
    child.on("error", (error) => end(false, `could not be run: ${error.message}`));
    child.on("close", (code, signal) => end(code === 0, signal === null ? `exit code ${code}` : `ended by ${signal}`));
  });
}
