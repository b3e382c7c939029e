/**
 * Values of variables as they are kept and as they travel: MessagePack in the one form that the type has, so that a float is a float in Python even
 * when it is whole, and so that neither side can tell from the bytes which of them wrote it.
 */
import { VariableInvalid } from "../errors/index.ts";
import { decode, Encoder } from "../value/index.ts";
import * as json from "./json.ts";
import type { VariableType } from "./variable-type.ts";

const encoder = new Encoder();
const FLOAT_32 = 0xca;
const FLOAT_64 = 0xcb;
const FLOAT_SIZE = 9;

/** The bytes of a value of the program's, not yet checked against anything. Throws UnsupportedValue for what cannot travel. */
export function encodeValue(value: unknown): Uint8Array {
  // Without a place for large data an array of numbers travels as what it holds; negative zero, which integers do not have, is zero then.
  if (value instanceof Float64Array || value instanceof Float32Array) return floats(Array.from(value));
  // A copy: the encoder's memory is used again, and what it gives may be a Buffer, whose slice would share it.
  return new Uint8Array(encoder.encode(value));
}

/** The value that bytes stand for. */
export const decodeValue = (bytes: Uint8Array): unknown => decode(bytes);

/**
 * The bytes in the form that the type has.
 *
 * @throws VariableInvalid when the value does not fit the type or a constraint; ProtocolError when the bytes hold no value.
 */
export function fitValue(variable: string, type: VariableType, bytes: Uint8Array): Uint8Array {
  let value = decode(bytes);
  if (type.name === "integer") {
    if (Object.is(value, -0)) return fitValue(variable, type, Uint8Array.of(0));
    // JavaScript has one kind of number; which one Python sent, the bytes alone know.
    if (bytes[0] === FLOAT_64 || bytes[0] === FLOAT_32) throw new VariableInvalid({ variable, constraint: "type", expected: "an integer" });
  }
  if (type.name === "float" && typeof value === "bigint") value = Number(value);
  type.check(variable, value);
  if (type.name === "float") return float(Number(value));
  if (type.name === "embedding" && json.isArray(value)) return floats(value.map(Number));
  return bytes;
}

function float(value: number): Uint8Array {
  const bytes = new Uint8Array(FLOAT_SIZE);
  bytes[0] = FLOAT_64;
  new DataView(bytes.buffer).setFloat64(1, value);
  return bytes;
}

function floats(values: readonly number[]): Uint8Array {
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
