/** Bytes that are the program's own. */

/** From this size on it pays to leave out the zeros that memory is otherwise filled with: a third of a copy of 10 MB. */
const UNFILLED_FROM_BYTES = 16_384;

/** Memory of its own that nobody has filled: write all of it before anybody reads. */
export function unfilledBytes(length: number): Uint8Array<ArrayBuffer> {
  if (length < UNFILLED_FROM_BYTES || typeof Buffer === "undefined") return new Uint8Array(length);
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length);
  return new Uint8Array(buffer, byteOffset, length);
}

/** A plain Uint8Array (never a Node Buffer) over memory of its own. */
export function ownBytes(data: Uint8Array, owned: boolean): Uint8Array {
  if (owned) return data.constructor === Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
  const copy = unfilledBytes(data.length);
  copy.set(data);
  return copy;
}
