/**
 * Memory of another process, mapped into this one: a file is opened by its path in /proc and mapped, which each runtime does by calling the C library in a way
 * of its own. None of them needs anything to be compiled; Node needs the package koffi, Deno the permission `--allow-ffi`.
 */
import { closeSync, fstatSync, openSync } from "node:fs";

/** What the C library is asked for. An address is whatever the runtime takes for one. */
export interface MemoryCalls<Address> {
  /** `mmap`. Answers undefined where it failed. */
  map(at: Address | undefined, bytes: number, protection: number, flags: number, descriptor: number): Address | undefined;
  /** `munmap`. */
  unmap(at: Address, bytes: number): void;
  /** An ArrayBuffer over memory from `at` on. Several may lie over the same memory. */
  view(at: Address, bytes: number): ArrayBuffer;
}

/** A mapping. */
export interface Mapping {
  /** Its size in bytes. */
  readonly bytes: number;
  /** A new ArrayBuffer over its first `bytes`. Whoever has it may read and write for as long as the mapping is there. */
  view(bytes: number): ArrayBuffer;
  /** Ends it. Call this only when every view is detached: what looks at it afterwards ends the program. */
  unmap(): void;
  /**
   * Gives the memory back while views of it may still be about: in its place they see zeros of their own. Takes addresses for good, but no memory, so it
   * is the way out where nobody can tell whether a view is still in use.
   */
  abandon(): void;
}

/** Maps files. */
export interface MemoryMapper {
  /**
   * Maps a file of another process, shared, to read and write, with all of its pages present.
   *
   * @param path Where it is in /proc.
   * @param inode Which file it has to be; any, when it is not given. Another may be there when the process has ended.
   * @throws Error when it cannot be opened or mapped, or is another file.
   */
  map(path: string, bytes: number, inode?: number): Mapping;
}

const READ_WRITE = 1 | 2;
const SHARED = 1;
const PRIVATE = 2;
const FIXED = 0x10;
const ANONYMOUS = 0x20;
const POPULATE = 0x8000;

/** The mapper of these calls. */
function mapper<Address>(calls: MemoryCalls<Address>): MemoryMapper {
  return {
    map(path, bytes, inode) {
      const descriptor = openSync(path, "r+");
      try {
        const found = fstatSync(descriptor);
        if (found.size < bytes || (inode !== undefined && found.ino !== inode)) throw new Error(`${path} is another file`);
        const address = calls.map(undefined, bytes, READ_WRITE, SHARED | POPULATE, descriptor);
        if (address === undefined) throw new Error(`${path} cannot be mapped`);
        return {
          bytes,
          view: (length) => calls.view(address, length),
          unmap: () => calls.unmap(address, bytes),
          abandon() {
            calls.map(address, bytes, READ_WRITE, PRIVATE | ANONYMOUS | FIXED, -1);
          },
        };
      } finally {
        closeSync(descriptor);
      }
    },
  };
}

let found: Promise<MemoryMapper | string> | undefined;

/** What maps memory on this runtime, or why nothing does, as a sentence without a full stop. Looked for once. */
export function memoryMapper(): Promise<MemoryMapper | string> {
  found ??= look();
  return found;
}

async function look(): Promise<MemoryMapper | string> {
  if (process.platform !== "linux") return "memory can be shared on Linux only";
  const { bun, deno } = process.versions;
  try {
    // Each of these modules exists on one runtime only.
    if (bun !== undefined) return mapper((await import("./memory-map-bun.ts")).calls());
    if (deno !== undefined) return mapper((await import("./memory-map-deno.ts")).calls());
    return mapper((await import("./memory-map-node.ts")).calls());
  } catch (error) {
    if (deno !== undefined) return "Deno needs the permission --allow-ffi to map memory";
    if (bun === undefined && isMissing(error)) return "Node needs the package koffi to map memory (npm install koffi)";
    return `the C library cannot be called: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
}
