/**
 * Large data beside a value: what a buffer is when it goes and when it comes, and which TypedArray stands for which dtype.
 *
 * dtypes are numpy type strings without byte order; the bytes are little-endian, as the memory of every machine this runs on is.
 */
import { ProtocolError } from "../errors/index.ts";
import type { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";
import { receiveTable } from "./arrow.ts";
import type { HostFunction } from "./host-function.ts";
import { NdArray } from "./nd-array.ts";
import { ownBytes } from "./own-bytes.ts";
import { dtypeOf, elementSize, typedArrayOf } from "./typed-array.ts";

/** From this many bytes on, plain bytes travel beside the value instead of in it: they are then never copied through the packer. */
export const BUFFER_FROM_BYTES = 65_536;

/** Takes what cannot stand in the MessagePack of a value. A carrier has one per message. */
export interface ValueSink {
  /**
   * Adds a buffer to the message and answers its index in `buffers`. `data` is the memory of the program's own object, not a copy. `shape` is
   * empty for plain bytes.
   */
  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number;
  /** Adds an input stream and answers its number, from 1. Left out where streams make no sense: a result, an item, a variable. */
  inputStream?(items: AsyncIterable<unknown>): number;
  /** Lets Python call a function and answers its number, from 1. Left out wherever {@link inputStream} is. */
  hostFunction?(fn: HostFunction): number;
  /** Whether the value goes to a pit elsewhere, where nobody could call back. What is refused for that says so. */
  readonly overNetwork?: boolean;
  /** The session whose stored objects the value may refer to. Left out where it may refer to none. */
  readonly objectSession?: string | undefined;
}

/** A buffer that came beside a value. */
export interface ReceivedBuffer {
  readonly data: Uint8Array;
  /** "bytes", "arrow", "bfloat16", or a numpy type string without byte order. */
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly kind: Buffer_Kind;
  /** True when nobody else will write to the memory of `data`, so that the value may be a view of it. Otherwise it is copied. */
  readonly owned: boolean;
}

/**
 * What the program gets for a buffer: Uint8Array for bytes, the TypedArray of the dtype for a one-dimensional array that it stands for completely,
 * a table for an Arrow stream, {@link NdArray} for everything else.
 */
export function receive(buffer: ReceivedBuffer): unknown {
  const { data, dtype, shape } = buffer;
  if (dtype === "bytes") return ownBytes(data, buffer.owned);
  if (dtype === "arrow") return receiveTable(data, buffer.owned);
  const size = elementSize(dtype);
  if (size === 0) throw new ProtocolError({ reason: `a buffer has the unknown dtype "${dtype}"` });
  const count = shape.reduce((product, length) => product * length, 1);
  if (count * size !== data.length || !shape.every(Number.isSafeInteger)) {
    throw new ProtocolError({
      reason: `a buffer of ${dtype} with shape [${shape.join(", ")}] has ${data.length} bytes instead of ${count * size}`,
    });
  }
  const Type = typedArrayOf(dtype);
  const aligned = buffer.owned && data.byteOffset % Type.BYTES_PER_ELEMENT === 0;
  const own = aligned ? data : ownBytes(data, false);
  const elements = new Type(own.buffer as ArrayBuffer, own.byteOffset, own.length / Type.BYTES_PER_ELEMENT);
  return shape.length === 1 && dtypeOf(elements) === dtype ? elements : new NdArray(elements, shape, dtype);
}
