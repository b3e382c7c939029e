/** What was read of a file, read again when the file changes. */
import { readFileSync, statSync } from "node:fs";

/** How long what was read may be old, in milliseconds. */
const MAX_AGE_MS = 500;

/**
 * What a file says now. The file is looked at when somebody asks and the last look is some time ago: no timer keeps the program alive, and no file system
 * has to be able to tell of changes.
 */
export class ChangingFile<T> {
  readonly #path: string;
  readonly #read: (path: string) => T;
  readonly #onChange: (problem: unknown) => void;
  readonly #now: () => number;
  #value: T;
  #version: string;
  #lookedAt: number;

  /**
   * Reads it for the first time.
   *
   * @param onChange Hears that it was read again, and what went wrong. Then what was read last stands.
   * @throws What `read` throws.
   */
  constructor(path: string, read: (path: string) => T, onChange: (problem: unknown) => void, now: () => number) {
    this.#path = path;
    this.#read = read;
    this.#onChange = onChange;
    this.#now = now;
    this.#lookedAt = now();
    // Looked at before it is read: what changes in between is read once more.
    this.#version = versionOf(path);
    this.#value = read(path);
  }

  /** What it says. */
  get value(): T {
    const now = this.#now();
    if (Math.abs(now - this.#lookedAt) < MAX_AGE_MS) return this.#value;
    this.#lookedAt = now;
    const version = versionOf(this.#path);
    if (version === this.#version) return this.#value;
    this.#version = version;
    try {
      this.#value = this.#read(this.#path);
      this.#onChange(undefined);
    } catch (error) {
      this.#onChange(error);
    }
    return this.#value;
  }
}

/** What a file of JSON holds. Throws the system's error, or one that does not quote the file, as that of `JSON.parse` does on some runtimes. */
export function readJson(path: string): unknown {
  const text = readFileSync(path, "utf8");
  try {
    return JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
}

/** Differs whenever the file is another or has other contents. */
function versionOf(path: string): string {
  const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stat === undefined ? "none" : `${stat.dev} ${stat.ino} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.size}`;
}
