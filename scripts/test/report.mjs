/** Reads how many tests passed and failed from what a test runner wrote. */
import { readFileSync } from "node:fs";

const attributes = (tag) => Object.fromEntries([...tag.matchAll(/\b(\w+)="(\d+)"/g)].map(([, name, value]) => [name, Number(value)]));

function fromJUnit(xml) {
  const root = /<testsuites\b[^>]*>/.exec(xml)?.[0] ?? "";
  // pytest counts on its suites, bun also on the root.
  const tags = /\btests="/.test(root) ? [root] : (xml.match(/<testsuite\b[^>]*>/g) ?? []);
  const sum = { tests: 0, failures: 0, errors: 0, skipped: 0 };
  for (const tag of tags) {
    const counts = attributes(tag);
    for (const name of Object.keys(sum)) sum[name] += counts[name] ?? 0;
  }
  const failed = sum.failures + sum.errors;
  return { passed: sum.tests - failed - sum.skipped, failed, skipped: sum.skipped };
}

/** The counts in a report, or none when it was not written. */
export function readReport(path) {
  try {
    const text = readFileSync(path, "utf8");
    return path.endsWith(".xml") ? fromJUnit(text) : { skipped: 0, ...JSON.parse(text) };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  }
}
