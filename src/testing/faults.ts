/** What may go wrong with a frame on its way, and how often. */
import { copyBytes, HEADER_BYTES, Kind } from "../carrier/frame.ts";
import { InvalidOptions } from "../errors/index.ts";
import type { Random } from "./random.ts";

/** How often what goes wrong. Each is the probability for one frame, from 0 to 1; together at most 1. Default 0. */
export interface FaultOptions {
  /** A whole number from which all chance comes. The same seed does the same to the same frames of the n-th connection. Default 1. */
  readonly seed?: number;
  /** The frame and what comes behind it wait, up to `delayMs`. */
  readonly delay?: number;
  /** Longest delay in milliseconds. Default 20. */
  readonly delayMs?: number;
  /** The frame and what comes behind it are lost, and the connection ends. A socket never loses less. */
  readonly drop?: number;
  /** Half of the frame arrives, then the connection ends. */
  readonly cut?: number;
  /** An answer or a cancel arrives twice. Other frames are spared: no carrier repeats a call, and the protocol could not tell. */
  readonly duplicate?: number;
  /** The header of the frame arrives as no right one. Bodies are spared: a socket of one machine does not change them, so nothing looks for it. */
  readonly corrupt?: number;
}

/** What becomes of one frame. */
export type Fate = "pass" | "delay" | "drop" | "cut" | "duplicate" | "corrupt";

const KINDS = ["delay", "drop", "cut", "duplicate", "corrupt"] as const satisfies readonly Fate[];
/** Frames whose second coming the protocol answers with silence. */
const REPEATABLE: ReadonlySet<number> = new Set([Kind.RESULT, Kind.ERROR, Kind.END, Kind.CANCEL]);

/** Throws InvalidOptions unless the options make sense. */
export function checkFaults(options: FaultOptions): void {
  for (const kind of KINDS) {
    const value = options[kind] ?? 0;
    if (!(value >= 0 && value <= 1)) throw new InvalidOptions({ option: kind, expected: "a probability from 0 to 1" });
  }
  if (KINDS.reduce((sum, kind) => sum + (options[kind] ?? 0), 0) > 1) {
    throw new InvalidOptions({ option: KINDS.join(", "), expected: "probabilities that are together at most 1" });
  }
  if (!Number.isSafeInteger(options.seed ?? 1)) throw new InvalidOptions({ option: "seed", expected: "a whole number" });
  const { delayMs = 0 } = options;
  if (!(delayMs >= 0 && delayMs < 2 ** 31)) throw new InvalidOptions({ option: "delayMs", expected: "a number of milliseconds from 0" });
}

/** What becomes of the next frame. Draws one number whatever it is, so that what one frame suffers does not change the lot of the others. */
export function fateOf(frame: Uint8Array, options: FaultOptions, random: Random): Fate {
  let drawn = random.next();
  for (const kind of KINDS) {
    drawn -= options[kind] ?? 0;
    if (drawn < 0) return kind === "duplicate" && !isRepeatable(frame) ? "pass" : kind;
  }
  return "pass";
}

/** A copy whose header is none: a kind or flags that do not exist, or a body longer than any. */
export function corrupted(frame: Uint8Array, random: Random): Uint8Array {
  const copy = copyBytes(frame);
  const at = random.pick([3, 4, 5] as const);
  copy[at] = 0x80 | copy[at]!;
  return copy;
}

function isRepeatable(frame: Uint8Array): boolean {
  return frame.length >= HEADER_BYTES && REPEATABLE.has(frame[4]!);
}
