/**
 * Frames: the header, the kinds, and cutting a stream of bytes into them. docs/protocol.md is the contract.
 *
 * Nothing here knows of sockets, calls or tools.
 */
import { ProtocolError } from "../errors/index.ts";

/** Version of the frames, as the handshake states it. */
export const PROTOCOL_VERSION = 1;
/** Bytes of a header. */
export const HEADER_BYTES = 16;
/** Most bytes of a body. Longer messages are cut. */
export const MAX_BODY_BYTES = 262_144;
/** The longest part before a message that a header can tell. */
export const MAX_PREFIX_BYTES = 65_535;

/** What a message of a stream costs at least, for each of its items, in bytes. */
export const ITEM_COST = 1024;

/** What a frame is. */
export const Kind = {
  HELLO: 0,
  OPEN: 1,
  EXECUTE: 2,
  EXECUTE_STREAM: 3,
  MESSAGE: 4,
  END: 5,
  RESULT: 6,
  ERROR: 7,
  HEAD: 8,
  CANCEL: 9,
  CREDIT: 10,
  PART: 11,
  ATTACH: 12,
  EVENT: 13,
  SHUTDOWN: 14,
} as const;

/** What more there is to say of a frame, as bits. */
export const Flag = { CUT: 1, STREAM: 2 } as const;

const ALL_FLAGS = Flag.CUT | Flag.STREAM;

/**
 * Takes one frame. The body is `bytes` from `start` to `end`, valid until the call returns. `prefix` and `aux` are as in the header.
 */
export interface FrameSink {
  frame(bytes: Uint8Array, kind: number, flags: number, prefix: number, call: number, aux: number, start: number, end: number): void;
}

/** Writes a header at `at`. Byte by byte: that is quicker than a DataView on every engine that was measured. */
export function writeHeader(
  bytes: Uint8Array,
  at: number,
  length: number,
  kind: number,
  flags: number,
  prefix: number,
  call: number,
  aux: number,
): void {
  bytes[at] = length;
  bytes[at + 1] = length >>> 8;
  bytes[at + 2] = length >>> 16;
  bytes[at + 3] = length >>> 24;
  bytes[at + 4] = kind;
  bytes[at + 5] = flags;
  bytes[at + 6] = prefix;
  bytes[at + 7] = prefix >>> 8;
  writeUint32(bytes, at + 8, call);
  writeUint32(bytes, at + 12, aux);
}

/** Writes 32 bits at `at`, little-endian. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** A copy of the bytes from `start` to `end`, in memory of its own. Not `slice`, which shares the memory of a Buffer. */
export function copyBytes(bytes: Uint8Array, start = 0, end: number = bytes.length): Uint8Array {
  const copy = new Uint8Array(end - start);
  copy.set(bytes.subarray(start, end));
  return copy;
}

/** Reads 32 bits at `at`, little-endian. */
export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

/**
 * Cuts what a socket gives into frames and hands them on, in place. Only a frame that is cut by the end of a read is copied, into memory of its
 * exact size.
 */
export class FrameReader {
  private readonly sink: FrameSink;
  /** The frame that is not complete, and how much of it there is. */
  private carry: Uint8Array | undefined;
  private have = 0;
  private readonly head = new Uint8Array(HEADER_BYTES);

  constructor(sink: FrameSink) {
    this.sink = sink;
  }

  /**
   * Takes the first `length` bytes of `data`, which it does not keep.
   *
   * @throws ProtocolError when the bytes are no frames; then the connection cannot go on. Whatever the sink throws comes through.
   */
  read(data: Uint8Array, length: number): void {
    let at = 0;
    if (this.have > 0) {
      at = this.fill(data, length);
      if (this.have > 0) return;
    }
    while (length - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bodyLength(data, at);
      if (end > length) break;
      this.hand(data, at, end);
      at = end;
    }
    const left = length - at;
    if (left === 0) return;
    let carry = this.head;
    if (left >= HEADER_BYTES) {
      carry = new Uint8Array(HEADER_BYTES + bodyLength(data, at));
      this.carry = carry;
    }
    carry.set(data.subarray(at, length));
    this.have = left;
  }

  /** Adds to the frame that is not complete, hands it on when it is, and answers how much of `data` that took. */
  private fill(data: Uint8Array, length: number): number {
    let at = 0;
    if (this.carry === undefined) {
      at = Math.min(HEADER_BYTES - this.have, length);
      this.head.set(data.subarray(0, at), this.have);
      this.have += at;
      if (this.have < HEADER_BYTES) return at;
      this.carry = new Uint8Array(HEADER_BYTES + bodyLength(this.head, 0));
      this.carry.set(this.head);
    }
    const carry = this.carry;
    const count = Math.min(carry.length - this.have, length - at);
    carry.set(data.subarray(at, at + count), this.have);
    this.have += count;
    if (this.have === carry.length) {
      this.carry = undefined;
      this.have = 0;
      this.hand(carry, 0, carry.length);
    }
    return at + count;
  }

  private hand(bytes: Uint8Array, at: number, end: number): void {
    const prefix = bytes[at + 6]! | (bytes[at + 7]! << 8);
    const call = readUint32(bytes, at + 8);
    const aux = readUint32(bytes, at + 12);
    this.sink.frame(bytes, bytes[at + 4]!, bytes[at + 5]!, prefix, call, aux, at + HEADER_BYTES, end);
  }
}

/** Length of the body of the frame whose header is at `at`, checked with the rest of it before anything is allocated. */
function bodyLength(bytes: Uint8Array, at: number): number {
  const length = readUint32(bytes, at);
  const kind = bytes[at + 4]!;
  if (length > MAX_BODY_BYTES) throw fault(`a frame of ${length} bytes`);
  if (kind > Kind.SHUTDOWN) throw fault(`a frame of the unknown kind ${kind}`);
  if (bytes[at + 5]! > ALL_FLAGS) throw fault(`a frame with the unknown flags ${bytes[at + 5]}`);
  return length;
}

/** A fault of the peer, after which the connection cannot go on. */
export function fault(what: string): ProtocolError {
  return new ProtocolError({ reason: `the other side sent ${what}` });
}

/** Throws unless frames of this kind may come for a call of the receiver's own. */
export function checkAnswer(kind: number): void {
  if (
    kind === Kind.RESULT ||
    kind === Kind.ERROR ||
    kind === Kind.END ||
    kind === Kind.HEAD ||
    kind === Kind.MESSAGE ||
    kind === Kind.CREDIT
  )
    return;
  throw fault(`a frame of kind ${kind} for a call of the receiver's`);
}
