/** Writes the parts of MessagePack one after the other into memory that grows. Knows nothing of what values mean. */
import { PayloadTooLarge } from "../errors/index.ts";
import { allocate, textLength, writeText } from "./text.ts";

const FIRST_BYTES = 16_384;
/** What an encoder gives from this size on belongs to its caller, who may hand it to the socket without a copy. */
export const OWNED_FROM_BYTES = 262_144;
/** Up to this many characters a loop beats the native call. */
const SHORT_TEXT = 32;

/**
 * MessagePack in memory of its own.
 *
 * Its fields are read by the subclass in loops where a call would cost more than the work; nobody else sees them.
 */
export class Writer {
  protected bytes: Uint8Array = allocate(FIRST_BYTES);
  protected view: DataView = viewOf(this.bytes);
  /** Where the next byte goes. */
  protected at = 0;
  /** Never more bytes than this. */
  private readonly maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** What was written since `at` was 0. Valid until it is again; from 256 KiB on for good. */
  protected take(): Uint8Array {
    const bytes = this.bytes.subarray(0, this.at);
    if (this.at >= OWNED_FROM_BYTES) this.replace(allocate(FIRST_BYTES));
    return bytes;
  }

  protected byte(byte: number): void {
    if (this.at === this.bytes.length) this.grow(1);
    this.bytes[this.at++] = byte;
  }

  /** Whole numbers in the safe range as integers of the shortest form, everything else, -0 included, as a float of 64 bits. */
  protected number(value: number): void {
    if (this.bytes.length - this.at < 9) this.grow(9);
    const bytes = this.bytes;
    const at = this.at;
    // Every integer of 32 bits passes the first test, and so does -0.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0) {
        if (value < 0x80) {
          bytes[at] = value;
          this.at = at + 1;
        } else if (value < 0x100) {
          bytes[at] = 0xcc;
          bytes[at + 1] = value;
          this.at = at + 2;
        } else if (value < 0x10000) {
          bytes[at] = 0xcd;
          bytes[at + 1] = value >> 8;
          bytes[at + 2] = value;
          this.at = at + 3;
        } else {
          bytes[at] = 0xce;
          this.view.setInt32(at + 1, value);
          this.at = at + 5;
        }
      } else if (value >= -0x20) {
        bytes[at] = value;
        this.at = at + 1;
      } else if (value >= -0x80) {
        bytes[at] = 0xd0;
        bytes[at + 1] = value;
        this.at = at + 2;
      } else if (value >= -0x8000) {
        bytes[at] = 0xd1;
        bytes[at + 1] = value >> 8;
        bytes[at + 2] = value;
        this.at = at + 3;
      } else {
        bytes[at] = 0xd2;
        this.view.setInt32(at + 1, value);
        this.at = at + 5;
      }
    } else if (!Number.isSafeInteger(value) || value === 0) {
      bytes[at] = 0xcb;
      this.view.setFloat64(at + 1, value);
      this.at = at + 9;
    } else if (value > 0 && value < 0x1_0000_0000) {
      bytes[at] = 0xce;
      this.view.setUint32(at + 1, value);
      this.at = at + 5;
    } else {
      bytes[at] = value > 0 ? 0xcf : 0xd3;
      this.view.setInt32(at + 1, Math.floor(value / 0x1_0000_0000));
      this.view.setUint32(at + 5, value >>> 0);
      this.at = at + 9;
    }
  }

  /** An integer from -2 ** 63 to 2 ** 64 - 1. */
  protected integer64(value: bigint): void {
    if (value >= -0x8000_0000n && value <= 0xffff_ffffn) {
      this.number(Number(value));
      return;
    }
    if (this.bytes.length - this.at < 9) this.grow(9);
    this.bytes[this.at] = value > 0n ? 0xcf : 0xd3;
    this.view.setBigInt64(this.at + 1, BigInt.asIntN(64, value));
    this.at += 9;
  }

  /** Answers false, having written nothing that counts, when the text holds half a surrogate pair. */
  protected text(text: string): boolean {
    const length = text.length;
    if (length > SHORT_TEXT) return this.longText(text);
    if (this.bytes.length - this.at < SHORT_TEXT + 2) this.grow(SHORT_TEXT + 2);
    const bytes = this.bytes;
    let at = this.at;
    if (length < 32) bytes[at++] = 0xa0 | length;
    else {
      bytes[at++] = 0xd9;
      bytes[at++] = length;
    }
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return this.longText(text);
      bytes[at++] = code;
    }
    this.at = at;
    return true;
  }

  private longText(text: string): boolean {
    const length = text.length;
    // Room for the worst case, unless that would be far too much.
    const room = (length < 65_536 ? length * 3 : textLength(text)) + 5;
    if (this.bytes.length - this.at < room) this.grow(room);
    const bytes = this.bytes;
    const at = this.at;
    const guess = textHeadSize(length);
    const written = writeText(bytes, text, at + guess);
    // Only ASCII has as many bytes as characters; anything else may hold half a character, which the writer replaced.
    if (written !== length && !text.isWellFormed()) return false;
    const head = textHeadSize(written);
    if (head !== guess) bytes.copyWithin(at + head, at + guess, at + guess + written);
    if (head === 1) bytes[at] = 0xa0 | written;
    else if (head === 2) {
      bytes[at] = 0xd9;
      bytes[at + 1] = written;
    } else if (head === 3) {
      bytes[at] = 0xda;
      bytes[at + 1] = written >> 8;
      bytes[at + 2] = written;
    } else {
      bytes[at] = 0xdb;
      this.view.setUint32(at + 1, written);
    }
    this.at = at + head + written;
    return true;
  }

  protected binary(bytes: Uint8Array): void {
    const length = bytes.length;
    if (this.bytes.length - this.at < length + 5) this.grow(length + 5);
    if (length < 0x100) {
      this.bytes[this.at] = 0xc4;
      this.bytes[this.at + 1] = length;
      this.at += 2;
    } else if (length < 0x10000) {
      this.bytes[this.at] = 0xc5;
      this.view.setUint16(this.at + 1, length);
      this.at += 3;
    } else {
      this.bytes[this.at] = 0xc6;
      this.view.setUint32(this.at + 1, length);
      this.at += 5;
    }
    this.append(bytes);
  }

  protected arrayHead(length: number): void {
    this.containerHead(length, 0x90, 0xdc);
  }

  protected mapHead(length: number): void {
    this.containerHead(length, 0x80, 0xde);
  }

  private containerHead(length: number, short: number, long: number): void {
    if (this.bytes.length - this.at < 5) this.grow(5);
    if (length < 16) {
      this.bytes[this.at++] = short | length;
    } else if (length < 0x10000) {
      this.bytes[this.at] = long;
      this.view.setUint16(this.at + 1, length);
      this.at += 3;
    } else {
      this.bytes[this.at] = long + 1;
      this.view.setUint32(this.at + 1, length);
      this.at += 5;
    }
  }

  /** Puts a smaller length into the head of a map at `at` that was written for `reserved` entries. The head keeps its size. */
  protected patchMapHead(at: number, reserved: number, length: number): void {
    if (reserved < 16) this.bytes[at] = 0x80 | length;
    else if (reserved < 0x10000) this.view.setUint16(at + 1, length);
    else this.view.setUint32(at + 1, length);
  }

  protected extension(type: number, payload: Uint8Array): void {
    this.extensionHead(type, payload.length);
    this.append(payload);
  }

  /** An extension that holds one unsigned number in as few bytes as possible. */
  protected reference(type: number, number: number): void {
    const size = number < 0x100 ? 1 : number < 0x10000 ? 2 : 4;
    this.extensionHead(type, size);
    if (this.bytes.length - this.at < 4) this.grow(4);
    if (size === 1) this.bytes[this.at] = number;
    else if (size === 2) this.view.setUint16(this.at, number);
    else this.view.setUint32(this.at, number);
    this.at += size;
  }

  private extensionHead(type: number, size: number): void {
    if (this.bytes.length - this.at < 6) this.grow(6);
    const fixed = size === 1 ? 0xd4 : size === 2 ? 0xd5 : size === 4 ? 0xd6 : size === 8 ? 0xd7 : size === 16 ? 0xd8 : 0;
    if (fixed > 0) {
      this.bytes[this.at++] = fixed;
    } else if (size < 0x100) {
      this.bytes[this.at] = 0xc7;
      this.bytes[this.at + 1] = size;
      this.at += 2;
    } else if (size < 0x10000) {
      this.bytes[this.at] = 0xc8;
      this.view.setUint16(this.at + 1, size);
      this.at += 3;
    } else {
      this.bytes[this.at] = 0xc9;
      this.view.setUint32(this.at + 1, size);
      this.at += 5;
    }
    this.bytes[this.at++] = type;
  }

  /** The timestamp of MessagePack, in its shortest form. */
  protected timestamp(seconds: number, nanoseconds: number): void {
    if (this.bytes.length - this.at < 15) this.grow(15);
    const { view, at } = this;
    if (seconds >= 0 && seconds < 0x1_0000_0000 && nanoseconds === 0) {
      view.setUint16(at, 0xd6ff);
      view.setUint32(at + 2, seconds);
      this.at = at + 6;
    } else if (seconds >= 0 && seconds < 0x4_0000_0000) {
      view.setUint16(at, 0xd7ff);
      // Thirty bits of nanoseconds, then thirty-four of seconds.
      view.setUint32(at + 2, nanoseconds * 4 + Math.floor(seconds / 0x1_0000_0000));
      view.setUint32(at + 6, seconds >>> 0);
      this.at = at + 10;
    } else {
      view.setUint8(at, 0xc7);
      view.setUint16(at + 1, 0x0cff);
      view.setUint32(at + 3, nanoseconds);
      view.setInt32(at + 7, Math.floor(seconds / 0x1_0000_0000));
      view.setUint32(at + 11, seconds >>> 0);
      this.at = at + 15;
    }
  }

  private append(bytes: Uint8Array): void {
    if (this.bytes.length - this.at < bytes.length) this.grow(bytes.length);
    this.bytes.set(bytes, this.at);
    this.at += bytes.length;
  }

  private grow(more: number): void {
    const needed = this.at + more;
    // Room is asked for generously, so what counts is what is there already.
    if (this.at > this.maxBytes) throw new PayloadTooLarge({ size: needed, limit: this.maxBytes, option: "maxMessageBytes" });
    const bytes = allocate(Math.max(this.bytes.length * 2, needed));
    bytes.set(this.bytes.subarray(0, this.at));
    this.replace(bytes);
  }

  private replace(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = viewOf(bytes);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function textHeadSize(length: number): number {
  return length < 32 ? 1 : length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
}
