/**
 * `npm test [-- NAME…]`: every suite of both languages, or those whose names contain one of the words. Closes with `N passed, N failed` over all of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { endSuites, runSuite } from "./test/run-suite.mjs";
import { suites } from "./test/suites.mjs";

const AT_ONCE = 2;
const root = fileURLToPath(new URL("../", import.meta.url));
const words = process.argv.slice(2);
const waiting = suites.filter((suite) => words.length === 0 || words.some((word) => suite.name.includes(word)));
const reports = mkdtempSync(join(tmpdir(), "snakepit-test-"));
const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const since = performance.now();

function tell(suite, result) {
  const { passed, failed, skipped } = result;
  const counts = [`${passed} passed`, failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`].filter(Boolean).join(", ");
  const seconds = `${(result.ms / 1000).toFixed(1)} s`;
  console.log(`${failed > 0 ? "FAILED" : "ok    "}  ${suite.name.padEnd(18)} ${seconds.padStart(7)}  ${counts}`);
  for (const name of Object.keys(total)) total[name] += result[name];
  if (failed === 0) return;
  failures.push(suite.name);
  const line = "-".repeat(20);
  console.log(`${line} ${suite.name} (${result.reason})\n${result.output.trimEnd()}\n${line} end of ${suite.name}`);
}

async function lane() {
  for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) tell(suite, await runSuite(suite, { root, reports }));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.once(signal, () => {
    endSuites();
    rmSync(reports, { recursive: true, force: true });
    process.exit(130);
  });
}
if (waiting.length === 0) {
  console.error(`No suite is called so; there are ${suites.map((suite) => `"${suite.name}"`).join(", ")}.`);
  process.exit(1);
}
try {
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
} finally {
  rmSync(reports, { recursive: true, force: true });
}
if (failures.length > 0) console.log(`\nFailed: ${failures.join(", ")}.`);
console.log(`\n${((performance.now() - since) / 1000).toFixed(0)} s${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
