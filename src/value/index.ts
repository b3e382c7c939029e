/** Values: what travels between JavaScript and Python, and how. Pure, no input or output. */
export { encodeAlone, encodeFloats } from "./alone.ts";
export { BUFFER_FROM_BYTES, type ReceivedBuffer, type ValueSink } from "./buffers.ts";
export { decode } from "./decode.ts";
export { Encoder } from "./encode.ts";
export type { HostFunction } from "./host-function.ts";
export { Lease } from "./lease.ts";
export { MAX_DEPTH } from "./limits.ts";
export { NdArray } from "./nd-array.ts";
export { type ObjectPlace, ObjectRef, type ObjectReferences } from "./object-ref.ts";
export { unfilledBytes } from "./own-bytes.ts";
export type { TypedArray } from "./typed-array.ts";
export { OWNED_FROM_BYTES } from "./writer.ts";
