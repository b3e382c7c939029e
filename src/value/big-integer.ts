/** Integers outside 64 bits as two's complement, big-endian, in as few bytes as hold them (MessagePack extension 2). */
import { ProtocolError } from "../errors/index.ts";

/** The bytes of `value`. */
export function bigIntegerToBytes(value: bigint): Uint8Array {
  // Hexadecimal is the one conversion that takes linear time in every engine.
  const magnitude = (value < 0n ? -value - 1n : value).toString(16);
  // One more bit than the magnitude for the sign.
  const size = ((magnitude.length * 4 - Math.clz32(Number.parseInt(magnitude[0] ?? "0", 16)) + 28) >> 3) + 1;
  const hex = BigInt.asUintN(size * 8, value)
    .toString(16)
    .padStart(size * 2, "0");
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = Number.parseInt(hex.slice(i * 2, i * 2 + 2), 16);
  return bytes;
}

/** The integer of a range. @throws ProtocolError when the range is empty or the engine has no integer of that size. */
export function bigIntegerFromBytes(from: Uint8Array, start: number, end: number): bigint {
  if (start >= end) throw new ProtocolError({ reason: "an integer has no bytes" });
  const digits: string[] = [];
  for (let i = start; i < end; i++) digits.push((from[i]! + 256).toString(16).slice(1));
  try {
    return BigInt.asIntN((end - start) * 8, BigInt(`0x${digits.join("")}`));
  } catch (cause) {
    throw new ProtocolError({ reason: `an integer of ${end - start} bytes is more than this runtime holds` }, { cause });
  }
}
