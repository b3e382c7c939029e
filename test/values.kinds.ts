/** A generator for each kind of JavaScript value that docs/values.md names. */
import fc from "fast-check";
import { NdArray } from "../src/value/index.ts";

const text = fc.string({ unit: "grapheme", maxLength: 60 });
const beyond = 2n ** 53n;
const wide = fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n });
const date = fc.date({ min: new Date(-62_135_596_800_000), max: new Date(253_402_300_799_999), noInvalidDate: true });
const scalar = fc.oneof(text, fc.double(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null), date, fc.uint8Array({ maxLength: 20 }));
// Python knows -0 and 0, and 1 and true, as one key.
const key = fc.oneof(
  fc.maxSafeInteger().filter((n) => n !== 0 && n !== 1),
  wide.filter((n) => n > beyond || n < -beyond),
  fc.double({ noInteger: true, noNaN: true }),
  text,
  fc.boolean(),
  fc.constant(null),
);
const nested = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 5 }, scalar, tie("array"), tie("object"), tie("map")),
  array: fc.array(tie("any"), { maxLength: 8 }),
  object: fc.dictionary(text, tie("any"), { maxKeys: 8 }).map(({ ...own }) => own),
  map: fc.array(fc.tuple(key, tie("any")), { maxLength: 6 }).map((entries) => new Map<unknown, unknown>([[7, null], ...entries])),
}));
const typed = fc.oneof(
  fc.int8Array(),
  fc.int16Array(),
  fc.uint16Array(),
  fc.int32Array(),
  fc.uint32Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.float32Array().map((floats) => Float16Array.from(floats)),
  fc.constant(unprinted(new Float64Array(20_000).map(Math.sin))),
);

/** Keeps a counterexample from filling the screen. */
function unprinted<T extends ArrayBufferView>(large: T): T {
  return Object.defineProperty(large, fc.toStringMethod, { value: () => `${large.byteLength} bytes` });
}

const sizes = fc.array(fc.nat({ max: 4 }), { maxLength: 4 });
const count = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);
const ndArray = fc.oneof(
  sizes.filter((shape) => shape.length !== 1).map((shape) => new NdArray(new Float64Array(count(shape)).map(Math.cos), shape)),
  sizes.filter((shape) => shape.length > 1).map((shape) => new NdArray(new Uint8Array(count(shape)).fill(7), shape)),
  sizes.map((shape) => new NdArray(new Uint8Array(count(shape)).fill(1), shape, "b1")),
  sizes.map((shape) => new NdArray(new Float64Array(count(shape) * 2).map(Math.sin), shape, "c16")),
  sizes.map((shape) => new NdArray(new Float32Array(count(shape) * 2).fill(0.5), shape, "c8")),
  fc.bigInt64Array().map((ticks) => new NdArray(ticks, [ticks.length], "M8[ns]")),
  fc.uint16Array().map((bits) => new NdArray(bits, [bits.length], "bfloat16")),
  fc.bigInt64Array().map((ticks) => new NdArray(ticks, [ticks.length, 1], "m8[us]")),
);
const filled = fc.object({ maxDepth: 2, values: [fc.integer(), text, fc.boolean(), fc.constant(null)] });

class Temperature {
  readonly degrees = 20;
}

function cycle(): unknown {
  const inner: unknown[] = [];
  inner.push({ inner });
  return inner;
}

/** Values of each kind, and what they come back as where that is not what they were. */
export const kinds: Readonly<Record<string, { readonly values: fc.Arbitrary<unknown>; readonly back?: (value: never) => unknown }>> = {
  null: { values: fc.constant(null) },
  "undefined in an object": {
    values: filled.map((object) => ({ ...object, gone: undefined })),
    back: ({ gone: _, ...rest }: { gone: undefined }) => rest,
  },
  "undefined elsewhere": { values: fc.constant([1, undefined]), back: () => [1, null] },
  boolean: { values: fc.boolean() },
  "whole number": { values: fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 })).map((n) => n + 0 || 0) },
  "number with a fraction": { values: fc.double({ noInteger: true, noNaN: true, noDefaultInfinity: true }) },
  "NaN, infinities, -0": { values: fc.constantFrom(Number.NaN, Infinity, -Infinity, -0) },
  "whole number from 2^53": {
    values: fc.double({ min: 2 ** 53, noDefaultInfinity: true, noNaN: true }).chain((n) => fc.constantFrom(n, -n)),
  },
  "bigint below 2^53": { values: fc.bigInt({ min: 1n - beyond, max: beyond - 1n }), back: Number },
  "bigint from 2^53": { values: wide.filter((n) => n >= beyond || n <= -beyond) },
  string: { values: text },
  Date: { values: date },
  Uint8Array: { values: fc.uint8Array() },
  "large Uint8Array": {
    values: fc.integer({ min: 65_535, max: 300_000 }).map((length) => unprinted(new Uint8Array(length).map((_, i) => i * 7))),
  },
  "Buffer, ArrayBuffer, DataView": {
    values: fc
      .uint8Array()
      .chain((bytes) => fc.constantFrom<unknown>(Buffer.from(bytes), bytes.slice().buffer, new DataView(bytes.slice().buffer))),
    back: (value: Buffer | ArrayBuffer | DataView) =>
      value instanceof ArrayBuffer ? new Uint8Array(value) : new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice(),
  },
  "other TypedArray": { values: typed },
  Uint8ClampedArray: { values: fc.uint8ClampedArray(), back: (value: Uint8ClampedArray) => new Uint8Array(value) },
  NdArray: { values: ndArray },
  "NdArray that a TypedArray stands for": {
    values: typed.map((data) => new NdArray(data, [data.length])),
    back: (value: NdArray) => value.data,
  },
  Array: { values: fc.array(nested.any, { maxLength: 10 }) },
  "Array with holes": {
    values: fc.nat({ max: 40 }).map((length) => new Array(length)),
    back: (value: unknown[]) => Array.from(value, () => null),
  },
  "plain object": { values: nested.object },
  "object without prototype": {
    values: filled.map((object) => Object.assign(Object.create(null), object)),
    back: (value: object) => ({ ...value }),
  },
  Map: { values: nested.map },
  "Map with only string keys": {
    values: fc.array(fc.tuple(text, scalar)).map((entries) => new Map(entries)),
    back: (value: Map<string, unknown>) => Object.fromEntries(value),
  },
  Set: { values: fc.array(scalar).map((items) => new Set(items)), back: (value: Set<unknown>) => [...value] },
  "boxed primitive": {
    values: fc.oneof(fc.double(), text, fc.boolean()).map(Object),
    back: (value: object) => value.valueOf(),
  },
  "object with toJSON": { values: fc.constant(new URL("http://a/b?c=1")), back: String },
  symbol: { values: fc.constantFrom(Symbol("s"), Symbol.iterator) },
  "object of another class": {
    values: fc.constantFrom<unknown>(/x/, new Temperature(), new WeakMap(), new WeakSet(), (function* () {})()),
  },
  Error: { values: fc.constantFrom<unknown>(new Error("x"), new RangeError("y")) },
  Promise: { values: fc.constant(Promise.resolve(1)) },
  "Date out of range": { values: fc.constantFrom(new Date(Number.NaN), new Date(253_402_300_800_000), new Date(-62_135_596_800_001)) },
  "half of a surrogate pair": { values: fc.constantFrom("\ud800", "a\udfffb".padEnd(100)) },
  "cycle, or more than 500 levels": {
    values: fc.constantFrom(
      cycle(),
      Array.from({ length: 501 }).reduce<unknown>((inner) => [inner], 1),
    ),
  },
  "Map key that Python cannot have": {
    values: fc.constantFrom<unknown>({}, new Set(), [{}], undefined, new Map(), () => 1).map((bad) => new Map([[bad, 1]])),
  },
};
