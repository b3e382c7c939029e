/**
 * What is done already: one file a step in `.setup`, holding a hash over the contents that the step depends on. A step that was begun and not ended
 * leaves "running" behind, which tells the next set-up to start it from scratch.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));
/** Where stamps and locks are. */
export const folder = join(root, ".setup");

const LEFT_OUT = new Set(["__pycache__", "node_modules"]);

function* filesUnder(path) {
  const info = statSync(path, { throwIfNoEntry: false });
  if (info === undefined) return;
  if (!info.isDirectory()) {
    yield path;
    return;
  }
  for (const name of readdirSync(path).sort()) if (!LEFT_OUT.has(name)) yield* filesUnder(join(path, name));
}

/** Hash over the names and contents of files and folders (relative to the repository), and over `extra`. What is not there counts as nothing. */
export function hashOf(paths, ...extra) {
  const hash = createHash("sha256");
  for (const text of extra) hash.update(`${text}\0`);
  for (const path of paths) {
    for (const file of filesUnder(join(root, path))) {
      const content = readFileSync(file);
      hash.update(`${file.slice(root.length)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex");
}

/** The stamp of a step, or undefined. */
export function readStamp(name) {
  try {
    return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));
  } catch {
    return undefined;
  }
}

/** Writes the stamp of a step, whole or not at all. */
export function writeStamp(name, stamp) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(stamp));
  renameSync(`${path}.${process.pid}`, path);
}
