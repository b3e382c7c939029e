/** Right frames made wrong, by chance that can be had again. */
import { Flag, HEADER_BYTES, Kind, MAX_BODY_BYTES, readUint32, writeUint32 } from "../../src/carrier/frame.ts";
import type { Random } from "../../src/testing/random.ts";
import { join } from "./stories.ts";

/** Numbers at which programs break. */
const EDGES = [
  0, 1, 0x7f, 0x80, 0xff, 0xffff, 262_143, 262_144, 262_145, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
] as const;

/** Breaks one or two of the frames. Most of the damage is in bodies: a broken header soon ends the connection, and nothing behind it is read. */
export function mutate(frames: readonly Uint8Array[], random: Random): Uint8Array {
  const broken: Uint8Array[] = frames.map((frame) => frame.slice());
  for (let n = random.chance(0.2) ? 2 : 1; n > 0; n--) {
    const at = random.whole(broken.length);
    const frame = broken[at];
    // A frame that was left out was the only one.
    if (frame === undefined) break;
    if (random.chance(0.05)) broken[at] = inHeader(frame, random);
    else if (random.chance(0.03)) inOrder(broken, at, random);
    else broken[at] = inBody(frame, random);
  }
  return join(broken);
}

function inHeader(frame: Uint8Array, random: Random): Uint8Array {
  switch (random.whole(6)) {
    case 0:
      writeUint32(frame, 0, random.pick(EDGES));
      break;
    case 1:
      frame[4] = random.chance(0.7) ? random.whole(15) : random.whole(256);
      break;
    case 2:
      frame[5] = random.whole(5);
      break;
    case 3:
      frame[6] = random.whole(256);
      frame[7] = random.chance(0.5) ? 0 : random.whole(256);
      break;
    case 4:
      writeUint32(frame, 8, random.pick(EDGES));
      break;
    default:
      writeUint32(frame, 12, random.pick(EDGES));
  }
  return frame;
}

function inOrder(frames: Uint8Array[], at: number, random: Random): void {
  const frame = frames[at]!;
  if (random.chance(0.4)) frames.splice(at, 0, frame);
  else if (random.chance(0.5)) frames.splice(at, 1);
  else frames.push(...frames.splice(at, 1));
}

/** The body changes, and the header says its new length. */
function inBody(frame: Uint8Array, random: Random): Uint8Array {
  const body = frame.slice(HEADER_BYTES);
  if (body.length === 0) return inHeader(frame, random);
  const at = random.whole(body.length);
  let changed: Uint8Array = body;
  switch (random.whole(6)) {
    case 0:
      body[at] = body[at]! ^ (1 << random.whole(8));
      break;
    case 1:
      body[at] = random.whole(256);
      break;
    case 2:
      body[at] = random.pick([0, 0x7f, 0x80, 0xc1, 0xd9, 0xdd, 0xdf, 0xff] as const);
      break;
    case 3:
      changed = body.slice(0, at);
      break;
    case 4:
      changed = join([body.slice(0, at), Uint8Array.from({ length: 1 + random.whole(8) }, () => random.whole(256)), body.slice(at)]);
      break;
    default:
      changed = join([body.slice(0, at), body.slice(at + 1 + random.whole(8))]);
  }
  const whole = join([frame.slice(0, HEADER_BYTES), changed]);
  writeUint32(whole, 0, changed.length);
  return whole;
}

/** The bytes with as many zeros behind them as it takes for a reader not to be in the middle of a frame, unless it has given up before. */
export function complete(bytes: Uint8Array): Uint8Array {
  let whole = bytes;
  for (let at = 0; at < whole.length; ) {
    if (at + HEADER_BYTES > whole.length) whole = join([whole, new Uint8Array(at + HEADER_BYTES - whole.length)]);
    const length = readUint32(whole, at);
    if (length > MAX_BODY_BYTES || whole[at + 4]! > Kind.SHUTDOWN || whole[at + 5]! > (Flag.CUT | Flag.STREAM)) break;
    at += HEADER_BYTES + length;
    if (at > whole.length) whole = join([whole, new Uint8Array(at - whole.length)]);
  }
  return whole;
}
