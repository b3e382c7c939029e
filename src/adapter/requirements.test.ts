import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageInfo, pythonRequirements } from "../runtime/package-root.ts";
import { isAtLeast, oldestPython, parseVersion, requirements, unmet } from "./requirements.ts";

const project = readFileSync(join(packageInfo().root, "python", "pyproject.toml"), "utf8");

test("they are those of the Python package", () => {
  const dependencies = /^dependencies = \[\n(.*?)^\]/ms.exec(project)?.[1] ?? "";
  const declared = [...dependencies.matchAll(/"([\w-]+)>=([\d.]+)/g)].map(([, name, atLeast]) => ({ name, atLeast }));
  expect(declared).toEqual(requirements.map(({ name, atLeast }) => ({ name, atLeast })));
  expect(project).toContain(`requires-python = ">=${oldestPython.join(".")}"`);
});

test("what the managed environment is pinned to meets them", () => {
  const pins = [...readFileSync(pythonRequirements(), "utf8").matchAll(/^([\w-]+)==(\S+)/gm)].map(
    ([, name = "", version = ""]) => [name, version] as const,
  );
  expect(unmet(new Map(pins))).toEqual([]);
});

test("versions are compared number by number", () => {
  expect(isAtLeast([3, 10], [3, 9])).toBe(true);
  expect(isAtLeast([3, 9, 18], [3, 10])).toBe(false);
  expect(isAtLeast([0, 19], [0, 19, 0])).toBe(true);
  expect(isAtLeast([7, 35], [7, 35, 1])).toBe(false);
  expect(parseVersion("7.36.2rc1+local")).toEqual([7, 36, 2]);
});

test("a package that is missing or too old is unmet", () => {
  const names = unmet(
    new Map([
      ["msgspec", "0.18.6"],
      ["protobuf", "8.0"],
    ]),
  ).map(({ name }) => name);
  expect(names).toEqual(["msgspec", "uvloop"]);
});
