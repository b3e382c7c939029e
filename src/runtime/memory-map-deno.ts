/** Calls of the C library on Deno. */
import type { MemoryCalls } from "./memory-map.ts";

/** An address, of which nothing is known. */
type Address = object;

/** What is used of Deno, whose types are not at hand where this is compiled. */
interface DenoFfi {
  readonly permissions: { querySync(permission: { readonly name: "ffi" }): { readonly state: string } };
  dlopen(
    file: string,
    symbols: Readonly<Record<string, { readonly parameters: readonly string[]; readonly result: string }>>,
  ): {
    readonly symbols: {
      mmap(at: Address | null, bytes: bigint, protection: number, flags: number, descriptor: number, offset: bigint): Address | null;
      munmap(at: Address, bytes: bigint): number;
    };
  };
  readonly UnsafePointer: { value(at: Address): bigint };
  readonly UnsafePointerView: { getArrayBuffer(at: Address, bytes: number): ArrayBuffer };
}

/** What `mmap` answers when it fails: (void *) -1. */
const FAILED = 0xffff_ffff_ffff_ffffn;

/** By `Deno.dlopen`. Throws when the permission is not there, without asking for it. */
export function calls(): MemoryCalls<Address> {
  // Only this runtime gets here, and has it.
  const deno = Reflect.get(globalThis, "Deno") as DenoFfi;
  if (deno.permissions.querySync({ name: "ffi" }).state !== "granted") throw new Error("there is no permission");
  const { symbols } = deno.dlopen("libc.so.6", {
    mmap: { parameters: ["pointer", "usize", "i32", "i32", "i32", "i64"], result: "pointer" },
    munmap: { parameters: ["pointer", "usize"], result: "i32" },
  });
  return {
    map(at, bytes, protection, flags, descriptor) {
      const address = symbols.mmap(at ?? null, BigInt(bytes), protection, flags, descriptor, 0n);
      return address === null || deno.UnsafePointer.value(address) === FAILED ? undefined : address;
    },
    unmap(at, bytes) {
      symbols.munmap(at, BigInt(bytes));
    },
    view: (at, bytes) => deno.UnsafePointerView.getArrayBuffer(at, bytes),
  };
}
