import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeFailures, readFailures } from "./failures.mjs";

function read(name, report, output = "") {
  const folder = mkdtempSync(join(tmpdir(), "failures-"));
  try {
    writeFileSync(join(folder, name), report);
    return readFailures(join(folder, name), output);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const BUN = `<testsuites name="bun test" tests="4" failures="2">
  <testsuite name="a.test.ts" file="a.test.ts" tests="4" failures="2">
    <testcase name="passes" classname="" time="0" file="a.test.ts" line="1" assertions="1" />
    <testcase name="says &quot;no&quot;" classname="a &gt; b" time="0.1" file="a.test.ts" line="3" assertions="0">
      <failure type="Error" message="bad &lt;thing&gt;&#10;line two">Error: bad &lt;thing&gt;&#10;line two&#10;      at a.test.ts:4:65&#10;</failure>
    </testcase>
    <testcase name="is skipped" classname="" time="0" file="a.test.ts" line="4">
      <skipped />
    </testcase>
    <testcase name="lasts" classname="" time="0.1" file="a.test.ts" line="5" assertions="0">
      <failure type="TimeoutError" message="test timed out" />
    </testcase>
  </testsuite>
</testsuites>`;

test("failed tests of bun are named with their place and error", () => {
  expect(read("bun.xml", BUN)).toEqual([
    { name: 'a.test.ts:3 > a > b > says "no"', text: "Error: bad <thing>\nline two\n      at a.test.ts:4:65" },
    { name: "a.test.ts:5 > lasts", text: "test timed out" },
  ]);
});

test("failed tests of pytest are named, those that could not begin too", () => {
  const report = `<testsuites><testsuite tests="3"><testcase classname="tests.test_x" name="test_a[1]" time="0.0"><failure message="assert 1 == 2">def test_a():
&gt;   assert 1 == 2
E   assert 1 == 2</failure></testcase><testcase classname="tests.test_x" name="test_ok" time="0.0" /><testcase classname="tests.test_x" name="test_b" time="0.0"><error message="no fixture">E no fixture</error></testcase></testsuite></testsuites>`;
  expect(read("pytest.xml", report)).toEqual([
    { name: "tests.test_x > test_a[1]", text: "def test_a():\n>   assert 1 == 2\nE   assert 1 == 2" },
    { name: "tests.test_x > test_b", text: "E no fixture" },
  ]);
});

test("an error between tests counts as a failure", () => {
  const output =
    "\ny.test.ts:\n\n# Unhandled error between tests\n-------------------------------\nerror: Cannot find module\n-------------------------------\n\n 0 pass\n";
  expect(read("bun.xml", '<testsuites name="bun test" tests="0"></testsuites>', output)).toEqual([
    { name: "between tests", text: "error: Cannot find module" },
  ]);
});

test("a suite that was ended before it reported is read from its output", () => {
  const output = "(pass) one [1.00ms]\nerror: no\n(fail) a > two [2.10ms]\n(fail) three\n";
  const failures = readFailures("/no/report.xml", output);
  expect(failures.map(({ name }) => name)).toEqual(["a > two", "three"]);
  expect(describeFailures(failures, output)).toContain("error: no");
});

test("what names no tests is told by the end of its output", () => {
  const output = Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join("");
  const told = describeFailures(readFailures(undefined, output), output);
  expect(told).toContain("line 99");
  expect(told).not.toContain("line 40\n");
});

test("long errors and many failures are told in few lines", () => {
  const text = Array.from({ length: 500 }, (_, line) => `line ${line}`).join("\n");
  const told = describeFailures(
    Array.from({ length: 30 }, (_, index) => ({ name: `test ${index}`, text })),
    "",
  );
  expect(told.split("\n").length).toBeLessThan(250);
  expect(told).toStartWith("  test 0\n    line 0\n");
  expect(told).toContain("line 499");
  expect(told).toEndWith("  test 29");
});
