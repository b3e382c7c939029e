/** Bytes that are the program's own. */

/** A plain Uint8Array (never a Node Buffer) over memory of its own. */
export function ownBytes(data: Uint8Array, owned: boolean): Uint8Array {
  if (owned) return data.constructor === Uint8Array ? data : new Uint8Array(data.buffer, data.byteOffset, data.length);
  const copy = new Uint8Array(data.length);
  copy.set(data);
  return copy;
}
