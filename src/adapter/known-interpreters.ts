/**
 * Interpreters that were found to be good, so that a program's start need not run Python twice: asking one takes as long as starting a worker's Python.
 *
 * Kept in one file of the cache folder. An entry holds for as long as the program, its `pyvenv.cfg`, the folders it imports from and the environment
 * variables it looks at are as they were. Where that cannot be told, or the file cannot be read or written, it is asked again.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process, { cwd, pid } from "node:process";
import { cacheFolder } from "./cache.ts";
import type { Interpreter } from "./probe.ts";
import { requirements, type Version } from "./requirements.ts";

/** What is kept of one. */
interface Known {
  /** Folders that it imports from. */
  readonly folders: readonly string[];
  /** What it was like then. */
  readonly stamp: string;
  readonly version: Version;
}

/** Entries that are kept; the oldest go first. */
const KEPT = 16;

/** The version of the interpreter at this path when it was found to be good before and nothing of it has changed since; undefined otherwise. */
export function recall(path: string): Version | undefined {
  const known = read().get(path);
  return known !== undefined && known.stamp === stampOf(path, known.folders) ? known.version : undefined;
}

/**
 * Keeps that an interpreter is good. One that names another program than it was run as is a wrapper, which may depend on anything: it is asked each time.
 */
export function remember({ command, executable, folders, version }: Interpreter): void {
  if (command !== executable) return;
  const stamp = stampOf(command, folders);
  if (stamp === undefined) return;
  const all = read();
  all.delete(command);
  all.set(command, { folders, stamp, version });
  write([...all].slice(-KEPT));
}

/** All that an answer depends on, as one short text; undefined when the program cannot be looked at. */
function stampOf(path: string, folders: readonly string[]): string | undefined {
  const variables = Object.entries(process.env).filter(([name]) => name === "HOME" || name.startsWith("PYTHON"));
  // Only there may a folder be told from the working directory on.
  const from = process.env["PYTHONPATH"] === undefined ? "" : cwd();
  try {
    const files = [path, join(dirname(path), "..", "pyvenv.cfg"), ...folders].map(state);
    const all = [realpathSync(path), files, variables, from, requirements];
    return createHash("sha256").update(JSON.stringify(all)).digest("hex");
  } catch {
    return undefined;
  }
}

/** What changes when a file is replaced or written, or an entry of a folder comes or goes. */
function state(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && [found.dev, found.ino, found.mtimeMs, found.isFile() ? found.size : 0].join();
}

const file = (): string => join(cacheFolder(), "interpreters.json");

function read(): Map<string, Known> {
  try {
    const entries: unknown = JSON.parse(readFileSync(file(), "utf8"));
    return new Map(Array.isArray(entries) ? entries.filter(isEntry) : []);
  } catch {
    return new Map();
  }
}

function write(entries: readonly (readonly [string, Known])[]): void {
  const whole = resolve(file());
  const temporary = `${whole}.${pid}`;
  try {
    mkdirSync(dirname(whole), { recursive: true });
    writeFileSync(temporary, JSON.stringify(entries));
    // Others may read or write at this moment. What one of two writers knew is asked for again.
    renameSync(temporary, whole);
  } catch {
    // It is asked again.
  }
}

function isEntry(entry: unknown): entry is [string, Known] {
  if (!Array.isArray(entry) || typeof entry[0] !== "string") return false;
  const known: unknown = entry[1];
  if (typeof known !== "object" || known === null) return false;
  const isListOf = (type: string, list: unknown): boolean => Array.isArray(list) && list.every((item) => typeof item === type);
  return (
    typeof Reflect.get(known, "stamp") === "string" &&
    isListOf("string", Reflect.get(known, "folders")) &&
    isListOf("number", Reflect.get(known, "version"))
  );
}
