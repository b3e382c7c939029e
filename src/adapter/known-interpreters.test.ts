import { afterAll, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { recall, remember } from "./known-interpreters.ts";
import type { Interpreter } from "./probe.ts";

const home = mkdtempSync(join(tmpdir(), "snakepit-known-"));
const { SNAKEPIT_CACHE: before } = process.env;
let folder = "";
let count = 0;

beforeEach(() => {
  folder = join(home, `${count++}`);
  mkdirSync(join(folder, "bin"), { recursive: true });
  process.env["SNAKEPIT_CACHE"] = join(folder, "cache");
});
afterAll(() => {
  if (before === undefined) delete process.env["SNAKEPIT_CACHE"];
  else process.env["SNAKEPIT_CACHE"] = before;
  rmSync(home, { recursive: true });
});

const kept = (): string => join(folder, "cache", "interpreters.json");

/** An interpreter that was just asked. Nothing runs it. */
function interpreter(name = "python"): Interpreter {
  const command = join(folder, "bin", name);
  writeFileSync(command, "#!/bin/sh\n");
  const packages = join(folder, "packages");
  mkdirSync(packages, { recursive: true });
  return {
    ...{ command, executable: command, version: [3, 12, 1], packages: new Map(), folders: [packages, join(folder, "absent")] },
    ...{ isVenv: true, hasPip: true, hasVenv: true, isExternallyManaged: false },
  };
}

test("an interpreter that was good is known by its path", () => {
  const python = interpreter();
  expect(recall(python.command)).toBeUndefined();
  remember(python);
  expect(recall(python.command)).toEqual([3, 12, 1]);
  expect(recall(join(folder, "bin", "other"))).toBeUndefined();
});

test.each<readonly [string, (python: Interpreter) => void]>([
  ["the program was replaced", ({ command }) => writeFileSync(command, "#!/bin/sh\nexit\n")],
  ["the program is gone", ({ command }) => rmSync(command)],
  ["its environment was made anew", () => writeFileSync(join(folder, "pyvenv.cfg"), "home = /usr/bin\n")],
  ["a package was installed or removed", () => mkdirSync(join(folder, "packages", "msgspec-0.22.0.dist-info"))],
  ["a folder that it would import from is there now", () => mkdirSync(join(folder, "absent"))],
])("it is asked again when %s", (_, change) => {
  const python = interpreter();
  remember(python);
  change(python);
  expect(recall(python.command)).toBeUndefined();
});

test("it is asked again where it would import from elsewhere", () => {
  const python = interpreter();
  remember(python);
  process.env["PYTHONNOUSERSITE"] = "for this test";
  try {
    expect(recall(python.command)).toBeUndefined();
  } finally {
    delete process.env["PYTHONNOUSERSITE"];
  }
  expect(recall(python.command)).toEqual([3, 12, 1]);
});

test("it is asked again elsewhere only where PYTHONPATH may name a folder from there on", () => {
  const python = interpreter();
  const { PYTHONPATH: theirs } = process.env;
  const here = process.cwd();
  const knownElsewhere = (): boolean => {
    remember(python);
    process.chdir(folder);
    try {
      return recall(python.command) !== undefined;
    } finally {
      process.chdir(here);
    }
  };
  try {
    delete process.env["PYTHONPATH"];
    expect(knownElsewhere()).toBe(true);
    process.env["PYTHONPATH"] = "lib";
    expect(knownElsewhere()).toBe(false);
  } finally {
    if (theirs === undefined) delete process.env["PYTHONPATH"];
    else process.env["PYTHONPATH"] = theirs;
  }
});

test("a wrapper is asked each time", () => {
  const wrapper = { ...interpreter(), executable: "/usr/bin/python3" };
  remember(wrapper);
  expect(recall(wrapper.command)).toBeUndefined();
});

test("sixteen are kept, the last that were asked", () => {
  const all = Array.from({ length: 18 }, (_, n) => interpreter(`python${n}`));
  for (const python of all) remember(python);
  expect(all.map(({ command }) => recall(command) !== undefined)).toEqual([false, false, ...Array<boolean>(16).fill(true)]);
});

test.each(["", "{", "null", "[null, 1]", '[["/p", {}]]', '[["/p", { "stamp": "s", "folders": [1], "version": [] }]]'])(
  "a file that holds %p is as none",
  (text) => {
    const python = interpreter();
    mkdirSync(join(folder, "cache"));
    writeFileSync(kept(), text);
    expect(recall("/p")).toBeUndefined();
    remember(python);
    expect(recall(python.command)).toEqual([3, 12, 1]);
    expect(JSON.parse(readFileSync(kept(), "utf8"))).toHaveLength(1);
  },
);

test("a cache that cannot be written fails nothing", () => {
  const python = interpreter();
  process.env["SNAKEPIT_CACHE"] = "/dev/null/cache";
  remember(python);
  expect(recall(python.command)).toBeUndefined();
  expect(existsSync(kept())).toBe(false);
});
