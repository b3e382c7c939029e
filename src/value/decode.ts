/**
 * MessagePack as JavaScript values, read in place.
 *
 * The bytes may lie in the middle of a buffer that the next read overwrites: everything that is kept is copied out. They come from another process,
 * so every length is checked before it is believed, and nothing is allocated for elements that are not there.
 */
import { ProtocolError, UnsupportedValue } from "../errors/index.ts";
import { bigIntegerFromBytes } from "./big-integer.ts";
import { type ReceivedBuffer, receive } from "./buffers.ts";
import { readKey } from "./key-cache.ts";
import { Extension, MAX_READ_DEPTH } from "./limits.ts";
import type { ObjectRef, ObjectReferences } from "./object-ref.ts";
import { ownBytes } from "./own-bytes.ts";
import { readShortText, readText } from "./text.ts";

/** Arrays up to this length are made at their full size at once. */
const PREPARED_LENGTH = 16_384;

// The state of the one value being read. No code of the program's runs meanwhile, so it cannot be entered twice.
const nothing: Uint8Array = new Uint8Array(0);
const noBuffers: readonly ReceivedBuffer[] = [];
let bytes: Uint8Array = nothing;
let view: DataView | undefined;
let at = 0;
let end = 0;
let depth = 0;
let buffers = noBuffers;
let objects: ObjectReferences | undefined;

/**
 * The one value that the range holds.
 *
 * @param received The buffers of the same message.
 * @param references Makes what stands for objects that a worker stores. Left out where there can be none.
 * @throws ProtocolError when the range holds anything but one well-formed value.
 */
export function decode(
  from: Uint8Array,
  start = 0,
  stop = from.length,
  received: readonly ReceivedBuffer[] = noBuffers,
  references?: ObjectReferences,
): unknown {
  bytes = from;
  at = start;
  end = stop;
  depth = 0;
  buffers = received;
  objects = references;
  try {
    const value = read();
    if (at !== end) throw malformed("has bytes after its end");
    return value;
  } finally {
    bytes = nothing;
    view = undefined;
    buffers = noBuffers;
    objects = undefined;
  }
}

function read(): unknown {
  if (at >= end) throw truncated();
  const byte = bytes[at++]!;
  if (byte < 0x80) return byte;
  if (byte >= 0xe0) return byte - 0x100;
  if (byte >= 0xa0 && byte < 0xc0) return text(byte - 0xa0);
  if (byte < 0x90) return map(byte - 0x80);
  if (byte < 0xa0) return array(byte - 0x90);
  switch (byte) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xc4:
      return binary(uint8());
    case 0xc5:
      return binary(uint16());
    case 0xc6:
      return binary(uint32());
    case 0xc7:
      return extension(uint8());
    case 0xc8:
      return extension(uint16());
    case 0xc9:
      return extension(uint32());
    case 0xca:
      return dataView().getFloat32(take(4));
    case 0xcb:
      return dataView().getFloat64(take(8));
    case 0xcc:
      return uint8();
    case 0xcd:
      return uint16();
    case 0xce:
      return uint32();
    case 0xcf:
      return integer64(uint32(), uint32());
    case 0xd0:
      return (uint8() << 24) >> 24;
    case 0xd1:
      return (uint16() << 16) >> 16;
    case 0xd2:
      return uint32() | 0;
    case 0xd3:
      return integer64(uint32() | 0, uint32());
    case 0xd4:
      return extension(1);
    case 0xd5:
      return extension(2);
    case 0xd6:
      return extension(4);
    case 0xd7:
      return extension(8);
    case 0xd8:
      return extension(16);
    case 0xd9:
      return text(uint8());
    case 0xda:
      return text(uint16());
    case 0xdb:
      return text(uint32());
    case 0xdc:
      return array(uint16());
    case 0xdd:
      return array(uint32());
    case 0xde:
      return map(uint16());
    case 0xdf:
      return map(uint32());
    default:
      throw malformed("has a byte of no meaning");
  }
}

/** Moves over `size` bytes and answers where they begin. */
function take(size: number): number {
  if (size > end - at) throw truncated();
  const start = at;
  at += size;
  return start;
}

function uint8(): number {
  return bytes[take(1)]!;
}

function uint16(): number {
  const start = take(2);
  return (bytes[start]! << 8) | bytes[start + 1]!;
}

function uint32(): number {
  const start = take(4);
  return ((bytes[start]! << 24) | (bytes[start + 1]! << 16) | (bytes[start + 2]! << 8) | bytes[start + 3]!) >>> 0;
}

/** A number where it is exact, a bigint beyond. */
function integer64(high: number, low: number): number | bigint {
  const value = high * 0x1_0000_0000 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

function dataView(): DataView {
  view ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return view;
}

function text(length: number): string {
  const start = take(length);
  return readShortText(bytes, start, at) ?? readText(bytes, start, at);
}

function binary(length: number): Uint8Array {
  const start = take(length);
  return ownBytes(bytes.subarray(start, at), false);
}

function array(length: number): unknown[] {
  enter(length);
  // More would be an invitation to claim lengths that never come, level inside level.
  const values: unknown[] = length <= PREPARED_LENGTH ? new Array(length) : [];
  const from = bytes;
  for (let i = 0; i < length; i++) {
    // Arrays of numbers are common and long, so those are read without a call.
    const byte = at < end ? from[at]! : 0xc1;
    if (byte < 0x80) {
      at++;
      values[i] = byte;
    } else if (byte === 0xcb && end - at > 8) {
      values[i] = (view ?? dataView()).getFloat64(at + 1);
      at += 9;
    } else if (byte === 0xcd && end - at > 2) {
      values[i] = (from[at + 1]! << 8) | from[at + 2]!;
      at += 3;
    } else {
      values[i] = read();
    }
  }
  depth--;
  return values;
}

function map(length: number): object {
  enter(length * 2);
  const record: Record<string, unknown> = {};
  for (let i = 0; i < length; i++) {
    const key = stringKey();
    if (key === undefined) {
      const entries = mapOfAnyKeys(record, length - i);
      depth--;
      return entries;
    }
    if (key === "__proto__") define(record, key, read());
    else record[key] = read();
  }
  depth--;
  return record;
}

/** The key that comes next when it is a string; otherwise nothing is read. */
function stringKey(): string | undefined {
  if (at >= end) throw truncated();
  const byte = bytes[at]!;
  let length: number;
  if (byte >= 0xa0 && byte < 0xc0) {
    at++;
    length = byte - 0xa0;
  } else if (byte >= 0xd9 && byte <= 0xdb) {
    at++;
    length = byte === 0xd9 ? uint8() : byte === 0xda ? uint16() : uint32();
  } else {
    return undefined;
  }
  const start = take(length);
  return readKey(bytes, start, at);
}

/** A map turned out to have a key that no object can have: what was read of it so far goes into a Map, then the rest. */
function mapOfAnyKeys(record: Record<string, unknown>, left: number): Map<unknown, unknown> {
  const entries = new Map<unknown, unknown>(Object.entries(record));
  for (let i = 0; i < left; i++) {
    const key = read();
    entries.set(key, read());
  }
  return entries;
}

/** Plain assignment would set the prototype instead. */
function define(record: object, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
}

/** Checks that a container may be here. Each of its elements takes at least one byte. */
function enter(elements: number): void {
  if (elements > end - at) throw truncated();
  // No fault of the peer: how deep Python can write differs from version to version.
  if (++depth > MAX_READ_DEPTH) throw new UnsupportedValue({ path: "$", reason: `it is nested deeper than ${MAX_READ_DEPTH} levels` });
}

function extension(length: number): unknown {
  const type = (uint8() << 24) >> 24;
  const start = take(length);
  switch (type) {
    case Extension.TIMESTAMP:
      return timestamp(start, length);
    case Extension.BUFFER: {
      const buffer = buffers[reference(start, length)];
      if (buffer === undefined) throw malformed("names a buffer that did not come");
      return receive(buffer);
    }
    case Extension.INTEGER:
      return bigIntegerFromBytes(bytes, start, at);
    case Extension.OBJECT:
      if (objects !== undefined) return objectRef(objects, start);
  }
  throw malformed(`has the unknown extension ${type}`);
}

/** The object whose place is the payload from `start` to here. */
function objectRef(references: ObjectReferences, start: number): ObjectRef {
  const outerEnd = end;
  end = at;
  at = start;
  const parts = read();
  if (at !== end || !Array.isArray(parts) || parts.length !== 4) throw malformed("names a stored object wrongly");
  const [session, worker, key, type]: unknown[] = parts;
  if (typeof session !== "string" || typeof worker !== "string" || typeof key !== "string" || typeof type !== "string") {
    throw malformed("names a stored object wrongly");
  }
  end = outerEnd;
  return references.objectRef({ session, worker, key, type });
}

function reference(start: number, length: number): number {
  if (length < 1 || length > 4) throw malformed("has a reference of wrong size");
  let number = 0;
  for (let i = start; i < start + length; i++) number = number * 256 + bytes[i]!;
  return number;
}

function timestamp(start: number, length: number): Date {
  const from = dataView();
  let seconds: number;
  let nanoseconds = 0;
  if (length === 4) {
    seconds = from.getUint32(start);
  } else if (length === 8) {
    const high = from.getUint32(start);
    nanoseconds = high >>> 2;
    seconds = (high & 3) * 0x1_0000_0000 + from.getUint32(start + 4);
  } else if (length === 12) {
    nanoseconds = from.getUint32(start);
    seconds = from.getInt32(start + 4) * 0x1_0000_0000 + from.getUint32(start + 8);
  } else {
    throw malformed("has a timestamp of wrong size");
  }
  const date = new Date(seconds * 1000 + Math.floor(nanoseconds / 1_000_000));
  if (nanoseconds > 999_999_999 || Number.isNaN(date.getTime())) throw malformed("has a timestamp out of range");
  return date;
}

function truncated(): ProtocolError {
  return malformed("ends too early");
}

function malformed(fault: string): ProtocolError {
  return new ProtocolError({ reason: `a value ${fault}` });
}
