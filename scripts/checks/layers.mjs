/**
 * The folders of src depend one way only: a file imports from its own layer and from those below it. Types count too. Biome's import lists are
 * regular enough to be read by an expression; tests beside the source are free to reach anywhere below the doors.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const src = fileURLToPath(new URL("../../src/", import.meta.url));

/** From the bottom up. A folder may use every line above its own; those on one line do not know each other. */
const ORDER = [
  ["gen"],
  ["errors"],
  ["value"],
  ["tool"],
  ["telemetry"],
  ["api"],
  ["client"],
  ["dashboard"],
  ["runtime"], // services, given to the layers above
  ["registry"],
  ["carrier"],
  ["host"],
  ["worker"],
  ["adapter"],
  ["pool"],
  ["session"],
  ["pit"],
  ["testing"],
  ["gateway"],
  ["cli"],
  ["."], // index.ts, effect.ts, client.ts, testing.ts
];
const level = new Map(ORDER.flatMap((folders, index) => folders.map((folder) => [folder, index])));

/** The command line is a door like index.ts and may use what that exports. */
const ALLOWED = [{ from: "cli", to: "index.ts" }];
/** Modules that only one runtime has. Everything else is the same program on all three. */
const RUNTIME_ONLY = /^(?:bun|bun:.*)$/;
const IMPORT =
  /^(?:import|export)(?<erased> type\b)?[^"';]*?\bfrom "(?<from>[^"]+)"|^import "(?<bare>[^"]+)"|\bimport\("(?<dynamic>[^"]+)"\)/gm;

const withoutComments = (text) => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
const folderOf = (path) => (path.includes(sep) ? path.slice(0, path.indexOf(sep)) : ".");
const files = readdirSync(src, { recursive: true }).filter((path) => /\.tsx?$/.test(path));
const faults = [];
const imports = new Map();

for (const file of files) {
  const from = folderOf(file);
  if (!level.has(from)) faults.push(`src/${file}: the folder "${from}" has no place in the order of layers`);
  const targets = [];
  for (const { groups } of withoutComments(readFileSync(join(src, file), "utf8")).matchAll(IMPORT)) {
    const specifier = groups.from ?? groups.bare ?? groups.dynamic;
    if (!specifier.startsWith(".")) {
      if (RUNTIME_ONLY.test(specifier) && from !== "runtime" && !file.endsWith(".test.ts")) {
        faults.push(`src/${file}: "${specifier}" belongs to src/runtime, the one place that knows the runtimes`);
      }
      continue;
    }
    const target = relative(src, resolve(join(src, dirname(file)), specifier));
    if (target.startsWith("..")) continue;
    const to = folderOf(target);
    if (groups.erased === undefined) targets.push(target);
    if (from === to || file.endsWith(".test.ts") || ALLOWED.some((rule) => rule.from === from && rule.to === target)) continue;
    if (!(level.get(to) < level.get(from))) faults.push(`src/${file}: ${from} may not use ${to} ("${specifier}")`);
  }
  imports.set(file, targets);
}

/** Files that reach themselves while running: each circle once. Types may name each other. */
function circles() {
  const state = new Map();
  const found = [];
  const visit = (file, path) => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      found.push([...path.slice(path.indexOf(file)), file].join(" -> "));
      return;
    }
    state.set(file, "open");
    for (const target of imports.get(file) ?? []) visit(target, [...path, file]);
    state.set(file, "done");
  };
  for (const file of imports.keys()) visit(file, []);
  return found;
}

for (const circle of circles()) faults.push(`a circle: ${circle}`);
for (const fault of faults) console.error(fault);
console.log(`${files.length} files, ${faults.length} faults`);
process.exit(faults.length > 0 ? 1 : 0);
