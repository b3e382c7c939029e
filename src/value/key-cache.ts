/** Strings of map keys that were read before. The same few come again and again, and making a string costs more than comparing its bytes. */
import { readText } from "./text.ts";

const SLOTS = 1_024;
/** Longer keys are rare and not kept. */
const MAX_KEY_BYTES = 32;

interface Kept {
  readonly bytes: Uint8Array;
  readonly key: string;
}

const kept: (Kept | undefined)[] = new Array<Kept | undefined>(SLOTS).fill(undefined);

/** The key that stands in a range. @throws ProtocolError when it is no UTF-8. */
export function readKey(from: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length > MAX_KEY_BYTES || length === 0) return length === 0 ? "" : readText(from, start, end);
  let hash = length;
  for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + from[i]!) | 0;
  const slot = hash & (SLOTS - 1);
  const known = kept[slot];
  if (known !== undefined && known.bytes.length === length) {
    const bytes = known.bytes;
    let i = 0;
    while (i < length && bytes[i] === from[start + i]) i++;
    if (i === length) return known.key;
  }
  const key = readText(from, start, end);
  kept[slot] = { bytes: Uint8Array.prototype.slice.call(from, start, end), key };
  return key;
}
