/**
 * Values of variables as they are kept and as they travel. What travels is MessagePack in the one form that the type has, so that a float is a float in
 * Python even when it is whole. What is kept cannot be altered by those it was given to.
 */
import { VariableInvalid } from "../errors/index.ts";
import * as json from "../tool/json.ts";
import { decode, encodeAlone, encodeFloats } from "../value/index.ts";
import type { VariableType } from "./variable-type.ts";

const FLOAT_32 = 0xca;
const FLOAT_64 = 0xcb;
const FLOAT_SIZE = 9;
const ZERO = Uint8Array.of(0);

/** The bytes of a value of the program's, not yet checked against anything. Throws UnsupportedValue for what cannot travel. */
export const encodeValue = encodeAlone;

/** A value as it is kept: itself when it cannot be altered, for that takes a third of the memory; the MessagePack of everything else. */
export type KeptValue = string | number | boolean | null | Uint8Array;

/** The value that is kept, as the reader's own. */
export const keptValue = (kept: KeptValue): unknown => (kept instanceof Uint8Array ? decode(kept) : kept);

/** The MessagePack of what is kept, in the form that the type has. */
export function keptBytes(type: string, kept: KeptValue): Uint8Array {
  if (kept instanceof Uint8Array) return kept;
  return type === "float" ? float(Number(kept)) : encodeValue(kept);
}

/** What is kept of a value in the form that its type has. */
export function keep(bytes: Uint8Array): KeptValue {
  return keepDecoded(decode(bytes), bytes);
}

/** What a value counts for in the quota of its session. */
export function keptSize(kept: KeptValue): number {
  if (kept instanceof Uint8Array) return kept.length;
  return typeof kept === "string" ? 2 * kept.length : FLOAT_SIZE;
}

/**
 * What is kept of a value that comes as MessagePack.
 *
 * @throws VariableInvalid when the value does not fit the type or a constraint; ProtocolError when the bytes hold no value.
 */
export function fitValue(variable: string, type: VariableType, bytes: Uint8Array): KeptValue {
  let value = decode(bytes);
  if (type.name === "integer") {
    if (Object.is(value, -0)) return fitValue(variable, type, ZERO);
    // JavaScript has one kind of number; which one Python sent, the bytes alone know.
    if (bytes[0] === FLOAT_64 || bytes[0] === FLOAT_32) throw new VariableInvalid({ variable, constraint: "type", expected: "an integer" });
  }
  if (type.name === "float" && typeof value === "bigint") value = Number(value);
  type.check(variable, value);
  if (type.name === "embedding" && json.isArray(value)) return encodeFloats(value.map(Number));
  return keepDecoded(value, bytes);
}

function keepDecoded(value: unknown, bytes: Uint8Array): KeptValue {
  const isScalar = value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean";
  return isScalar ? value : bytes;
}

/** Where one float is put together. Asking each value for its buffer would triple what it takes in memory. */
const floatBytes = new Uint8Array(FLOAT_SIZE);
const floatView = new DataView(floatBytes.buffer);
floatBytes[0] = FLOAT_64;

function float(value: number): Uint8Array {
  floatView.setFloat64(1, value);
  return floatBytes.slice();
}
