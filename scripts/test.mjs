/**
 * `npm test [-- NAME…]`: every suite of both languages, or those whose names contain one of the words. Closes with `N passed, N failed` over all of them.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describeFailures } from "./test/failures.mjs";
import { leftOut } from "./test/left-out.mjs";
import { endSuites, runSuite } from "./test/run-suite.mjs";
import { suites } from "./test/suites.mjs";

const AT_ONCE = 2;
const root = fileURLToPath(new URL("../", import.meta.url));
const words = process.argv.slice(2);
const waiting = suites.filter((suite) => words.length === 0 || words.some((word) => suite.name.includes(word)));
const reports = mkdtempSync(join(tmpdir(), "snakepit-test-"));
const total = { passed: 0, failed: 0, skipped: 0 };
const failed = [];
const since = performance.now();

function tell(suite, result) {
  const { passed, skipped } = result;
  const counts = [`${passed} passed`, result.failed > 0 && `${result.failed} failed`, skipped > 0 && `${skipped} skipped`]
    .filter(Boolean)
    .join(", ");
  const seconds = `${(result.ms / 1000).toFixed(1)} s`;
  console.log(`${result.failed > 0 ? "FAILED" : "ok    "}  ${suite.name.padEnd(18)} ${seconds.padStart(7)}  ${counts}`);
  for (const name of Object.keys(total)) total[name] += result[name];
  if (result.failed === 0) return;
  const names = result.failures.map(({ name }) => name);
  failed.push(...(names.length > 0 ? names : [result.reason]).map((name) => `${suite.name}: ${name}`));
  console.log(`${describeFailures(result.failures, result.output)}\n  (${result.reason}; all of its output is in ${result.kept})`);
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
console.log(`\n${((performance.now() - since) / 1000).toFixed(0)} s${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
for (const what of leftOut()) console.log(`left out  ${what}`);
// At the very end, where whoever keeps only the last lines sees them.
for (const name of failed) console.log(`failed  ${name}`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed > 0 ? 1 : 0;
