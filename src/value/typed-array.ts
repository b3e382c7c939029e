/** Which TypedArray stands for which numpy dtype. */

/** Every array of numbers that JavaScript has, Float16Array included. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | Float16Array
  | Float32Array
  | Float64Array;

interface TypedArrayClass {
  readonly BYTES_PER_ELEMENT: number;
  new (memory: ArrayBuffer, byteOffset: number, length: number): TypedArray;
}

// Old browsers have no Float16Array; the bits of half floats come as Uint16Array there.
const Half: TypedArrayClass = typeof Float16Array === "undefined" ? Uint16Array : Float16Array;

const classes: ReadonlyMap<string, TypedArrayClass> = new Map<string, TypedArrayClass>([
  ["i1", Int8Array],
  ["i2", Int16Array],
  ["i4", Int32Array],
  ["i8", BigInt64Array],
  ["u1", Uint8Array],
  ["u2", Uint16Array],
  ["u4", Uint32Array],
  ["u8", BigUint64Array],
  ["f2", Half],
  ["f4", Float32Array],
  ["f8", Float64Array],
  ["c8", Float32Array],
  ["c16", Float64Array],
  ["bfloat16", Uint16Array],
]);

/** By the name that `Symbol.toStringTag` gives, so that arrays of another realm are known too. */
const dtypes: ReadonlyMap<string, string> = new Map([
  ["Int8Array", "i1"],
  ["Int16Array", "i2"],
  ["Int32Array", "i4"],
  ["BigInt64Array", "i8"],
  ["Uint8Array", "u1"],
  ["Uint8ClampedArray", "u1"],
  ["Uint16Array", "u2"],
  ["Uint32Array", "u4"],
  ["BigUint64Array", "u8"],
  ["Float16Array", "f2"],
  ["Float32Array", "f4"],
  ["Float64Array", "f8"],
]);

/** The dtype of a TypedArray, `undefined` for a DataView. */
export function dtypeOf(view: ArrayBufferView): string | undefined {
  return dtypes.get(Object.prototype.toString.call(view).slice(8, -1));
}

/**
 * The TypedArray that holds the elements of a dtype: complex numbers interleaved (real, imaginary) in floats, dates and time spans as BigInt64Array
 * (NaT is -2n ** 63n), bool as bytes, bfloat16 as its bits.
 */
export function typedArrayOf(dtype: string): TypedArrayClass {
  return classes.get(dtype) ?? (isTime(dtype) ? BigInt64Array : Uint8Array);
}

/** Bytes of one element, 0 when the dtype is none that can travel. */
export function elementSize(dtype: string): number {
  if (isTime(dtype)) return 8;
  if (dtype === "bfloat16") return 2;
  return /^(b1|[iu][1248]|f[248]|c8|c16)$/.test(dtype) ? Number(dtype.slice(1)) : 0;
}

function isTime(dtype: string): boolean {
  return /^[Mm]8(\[[0-9]*(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?$/.test(dtype);
}
