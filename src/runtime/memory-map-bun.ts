/** Calls of the C library on Bun. */
import { dlopen, type Pointer, toArrayBuffer } from "bun:ffi";
import type { MemoryCalls } from "./memory-map.ts";

/** Where no address of a program is; `mmap` answers (void *) -1 when it fails. */
const FAILED = 2 ** 63;

/** By `bun:ffi`. Throws when the library cannot be opened. */
export function calls(): MemoryCalls<Pointer> {
  const { symbols } = dlopen("libc.so.6", {
    mmap: { args: ["ptr", "usize", "int", "int", "int", "i64"], returns: "ptr" },
    munmap: { args: ["ptr", "usize"], returns: "int" },
  });
  return {
    map(at, bytes, protection, flags, descriptor) {
      const address = symbols.mmap(at ?? null, bytes, protection, flags, descriptor, 0);
      return typeof address !== "number" || address >= FAILED ? undefined : address;
    },
    unmap(at, bytes) {
      symbols.munmap(at, bytes);
    },
    view: (at, bytes) => toArrayBuffer(at, 0, bytes),
  };
}
