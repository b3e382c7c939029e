/** Values with nothing beside them: what a variable holds. */
import { Encoder } from "./encode.ts";

const encoder = new Encoder();
const FLOAT_64 = 0xcb;
const FLOAT_SIZE = 9;

/** The MessagePack of a value, all of it. Throws UnsupportedValue for what cannot travel so. */
export function encodeAlone(value: unknown): Uint8Array {
  // The encoder has no place for arrays of numbers here; what they hold can travel.
  if (value instanceof Float64Array || value instanceof Float32Array) return encodeFloats(Array.from(value));
  // A copy: the encoder's memory is used again, and what it gives may be a Buffer, whose slice would share it.
  return new Uint8Array(encoder.encode(value));
}

/** An array of numbers as floats, also those that are whole. */
export function encodeFloats(values: readonly number[]): Uint8Array {
  const head = arrayHead(values.length);
  const bytes = new Uint8Array(head.length + values.length * FLOAT_SIZE);
  bytes.set(head);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) {
    const at = head.length + i * FLOAT_SIZE;
    bytes[at] = FLOAT_64;
    view.setFloat64(at + 1, value);
  }
  return bytes;
}

function arrayHead(length: number): Uint8Array {
  if (length < 16) return Uint8Array.of(0x90 | length);
  if (length < 0x1_0000) return Uint8Array.of(0xdc, length >> 8, length);
  return Uint8Array.of(0xdd, length >>> 24, length >> 16, length >> 8, length);
}
