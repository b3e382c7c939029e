/** An array that a bare TypedArray would not describe completely. */
import { InvalidOptions } from "../errors/index.ts";
import { dtypeOf, elementSize, type TypedArray, typedArrayOf } from "./typed-array.ts";

/**
 * An array with a shape and a dtype, as numpy has it, in C order.
 *
 * Results are of this class when a TypedArray alone would lose something: more or fewer dimensions than one, or a dtype for which JavaScript has no
 * array (bool, complex, bfloat16, dates and time spans). Everything else arrives as a plain TypedArray. Sending one gives Python the same array.
 *
 * @example
 * new NdArray(new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3])       // a matrix of 2 rows and 3 columns
 * new NdArray(new Uint8Array([1, 0]), [2], "b1")                  // numpy.array([True, False])
 * new NdArray(new Float64Array([0, 1]), [1], "c16")               // numpy.array([1j])
 */
export class NdArray<Data extends TypedArray = TypedArray> {
  /** The elements, row after row. Complex numbers interleaved (real, imaginary), bool as 0 and 1, dates as BigInt64Array of their unit, bfloat16 as its bits. */
  readonly data: Data;
  /** Length in each dimension; empty for a zero-dimensional array. */
  readonly shape: readonly number[];
  /** A numpy type string without byte order, such as "f8", "b1", "c16", "M8[ns]". */
  readonly dtype: string;

  /**
   * @param dtype Default: the one of `data`.
   * @throws InvalidOptions when shape and dtype do not fit the length of `data`.
   */
  constructor(data: Data, shape: readonly number[], dtype?: string) {
    const type = dtype ?? dtypeOf(data) ?? "u1";
    const size = elementSize(type);
    const holds = typedArrayOf(type).BYTES_PER_ELEMENT;
    if (size === 0) throw new InvalidOptions({ option: "dtype", expected: 'a numpy type string such as "f8"' });
    if (dtype !== undefined && holds !== data.BYTES_PER_ELEMENT) {
      throw new InvalidOptions({ option: "data", expected: `an array of ${holds}-byte elements, which ${type} is kept in` });
    }
    if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
      throw new InvalidOptions({ option: "shape", expected: "a list of whole numbers" });
    }
    if (shape.reduce((product, length) => product * length, 1) * size !== data.byteLength) {
      throw new InvalidOptions({ option: "shape", expected: `one that fits ${data.byteLength / size} elements of ${type}` });
    }
    this.data = data;
    this.shape = shape;
    this.dtype = type;
  }
}
