/** Calls of the C library on Node. */
import koffi from "koffi";
import type { MemoryCalls } from "./memory-map.ts";

/** What `mmap` answers when it fails: (void *) -1. */
const FAILED = 0xffff_ffff_ffff_ffffn;

/** By koffi, which this module cannot be imported without. Throws when the library cannot be opened. */
export function calls(): MemoryCalls<bigint> {
  const library = koffi.load("libc.so.6");
  const mmap = library.func("void *mmap(void *at, size_t bytes, int protection, int flags, int descriptor, int64_t offset)");
  const munmap = library.func("int munmap(void *at, size_t bytes)");
  return {
    map(at, bytes, protection, flags, descriptor) {
      const address: unknown = mmap(at ?? null, bytes, protection, flags, descriptor, 0);
      return typeof address !== "bigint" || address === FAILED ? undefined : address;
    },
    unmap(at, bytes) {
      munmap(at, bytes);
    },
    view: (at, bytes) => koffi.view(at, bytes),
  };
}
