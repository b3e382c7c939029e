import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readReport } from "./report.mjs";

test.each([
  ["bun.xml", '<testsuites name="bun test" tests="4" failures="1" skipped="2"><testsuite tests="4" failures="1" skipped="2">', [1, 1, 2]],
  ["pytest.xml", '<testsuites name="pytest tests"><testsuite errors="1" failures="2" skipped="0" tests="74">', [71, 3, 0]],
  ["examples.json", '{"passed":39,"failed":1}', [39, 1, 0]],
  ["broken.json", '{"passed":3', [0, 0, 0]],
])("reads the counts of %s", (name, text, [passed, failed, skipped]) => {
  const folder = mkdtempSync(join(tmpdir(), "report-"));
  writeFileSync(join(folder, name), text);
  expect(readReport(join(folder, name))).toEqual({ passed, failed, skipped });
  rmSync(folder, { recursive: true });
});

test("a report that was not written counts nothing", () => {
  expect(readReport("/no/report.xml")).toEqual({ passed: 0, failed: 0, skipped: 0 });
});
