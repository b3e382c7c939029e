/**
 * Tool calls as bytes, encoded and decoded by hand, which takes a third of the time that the generated code takes. The bytes are those of the
 * generated messages; a test holds them equal.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Buffer as BufferMessage, SharedRange } from "../gen/snakepit/v1/value_pb.ts";
import { ExecuteToolRequestSchema, ExecuteToolResponseSchema, ExecuteToolStreamResponseSchema } from "../gen/snakepit/v1/worker_pb.ts";
import { decode, type ObjectReferences, OWNED_FROM_BYTES, type ReceivedBuffer } from "../value/index.ts";
import { copyBytes, fault, Kind, MAX_PREFIX_BYTES } from "./frame.ts";
import type { SharedMemory } from "./memory/shared-memory.ts";
import type { FrameWriter } from "./writer.ts";

/** Constant parts that are kept. Sessions come and go. */
const MAX_PREFIXES = 32_768;

const TAG_RESULT = 0x0a;
const TAG_ITEM = 0x0a;
const TAG_ARGS = 0x1a;
const TAG_TRACEPARENT = 0x2a;
const TAG_DEPTH = 0x30;
const TAG_WAITER = 0x38;
/** What a field's tag is more in the message of a call that streams, which has one field more before it. */
const NEXT_FIELD = 0x08;

/** The bytes that every call of one tool in one session starts with, by session and tool. */
export class Prefixes {
  private readonly outside = new Map<string, Uint8Array>();
  private readonly sessions = new Map<string, Map<string, Uint8Array>>();
  private count = 0;

  /** `session_id`, `tool` and the tag of `args`. */
  get(sessionId: string, tool: string): Uint8Array {
    const tools = sessionId === "" ? this.outside : this.sessions.get(sessionId);
    return tools?.get(tool) ?? this.make(sessionId, tool);
  }

  private make(sessionId: string, tool: string): Uint8Array {
    const fields = toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, { sessionId, tool }));
    const prefix = new Uint8Array(fields.length + 1);
    prefix.set(fields);
    prefix[fields.length] = TAG_ARGS;
    if (++this.count > MAX_PREFIXES) {
      this.outside.clear();
      this.sessions.clear();
      this.count = 1;
    }
    let tools = sessionId === "" ? this.outside : this.sessions.get(sessionId);
    if (tools === undefined) {
      tools = new Map();
      this.sessions.set(sessionId, tools);
    }
    tools.set(tool, prefix);
    return prefix;
  }
}

/** What the header of a frame says of its constant part. */
export function prefixLength(prefix: Uint8Array): number {
  return prefix.length > MAX_PREFIX_BYTES ? 0 : prefix.length;
}

/** How many bytes a length takes. */
export function varintLength(n: number): number {
  return n < 0x80 ? 1 : n < 0x4000 ? 2 : n < 0x20_0000 ? 3 : n < 0x1000_0000 ? 4 : 5;
}

/** Writes a length at `at` and answers where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, n: number): number {
  while (n > 0x7f) {
    bytes[at++] = (n & 0x7f) | 0x80;
    n >>>= 7;
  }
  bytes[at++] = n;
  return at;
}

/** The field with the trace context of a call, the same in both kinds of message. It is ASCII. */
export function traceField(traceparent: string): Uint8Array {
  const field = new Uint8Array(2 + traceparent.length);
  field[0] = TAG_TRACEPARENT;
  field[1] = traceparent.length;
  for (let at = 0; at < traceparent.length; at++) field[2 + at] = traceparent.charCodeAt(at);
  return field;
}

/** The fields that say what a call is part of, each left out when it is 0. */
export function nestingField({ depth, waiter }: { readonly depth: number; readonly waiter: number }, isStream: boolean): Uint8Array {
  const more = isStream ? NEXT_FIELD : 0;
  const field = new Uint8Array(12);
  let at = 0;
  if (depth !== 0) {
    field[at] = TAG_DEPTH + more;
    at = writeVarint(field, at + 1, depth);
  }
  if (waiter !== 0) {
    field[at] = TAG_WAITER + more;
    at = writeVarint(field, at + 1, waiter);
  }
  return field.subarray(0, at);
}

/** The length of a request of nothing but its constant part and its arguments. */
export function plainLength(prefix: Uint8Array, args: Uint8Array): number {
  return prefix.length + varintLength(args.length) + args.length;
}

/** Sends such a request, which fits into the arena, as an Execute or ExecuteStream frame. `args` is copied. */
export function sendPlain(writer: FrameWriter, kind: number, call: number, timeLeftMs: number, prefix: Uint8Array, args: Uint8Array): void {
  let at = writer.reserve(plainLength(prefix, args), kind, 0, prefixLength(prefix), call, timeLeftMs);
  const { arena } = writer;
  arena.set(prefix, at);
  at = writeVarint(arena, at + prefix.length, args.length);
  arena.set(args, at);
  writer.sent();
}

/** The body of an Execute or ExecuteStream frame as the pieces of memory it is made of. `args` is copied unless it may be kept. `fields` come after it. */
export function requestParts(prefix: Uint8Array, args: Uint8Array, fields: readonly Uint8Array[]): Uint8Array[] {
  const head = new Uint8Array(prefix.length + varintLength(args.length));
  head.set(prefix);
  writeVarint(head, prefix.length, args.length);
  return [head, args.length < OWNED_FROM_BYTES ? copyBytes(args) : args, ...fields];
}

/**
 * The value in an `ExecuteToolResponse`, which is the bytes from `start` to `end`.
 *
 * @param memory Where buffers may lie that were neither in the message nor attached. Call its `finish` afterwards, also when this throws.
 * @param asView Whether those are to be views of that memory, instead of copies.
 */
export function decodeResult(
  bytes: Uint8Array,
  start: number,
  end: number,
  attached: readonly Uint8Array[],
  owned: boolean,
  objects?: ObjectReferences,
  memory?: SharedMemory,
  asView = false,
): unknown {
  const at = onlyResult(bytes, start, end);
  if (at >= 0) return decode(bytes, at, end, undefined, objects);
  const response = fromBinary(ExecuteToolResponseSchema, bytes.subarray(start, end));
  return decode(response.result, 0, response.result.length, receivedBuffers(response.buffers, attached, owned, memory, asView), objects);
}

/** Where the result begins in a message that is nothing but its result, as nearly all are; -1 when there is more, or none. It ends with the message. */
export function onlyResult(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || bytes[start] !== TAG_RESULT) return -1;
  const length = varintAt(bytes, start + 1);
  const at = start + 1 + varintLength(length);
  return at + length === end && (bytes[at - 1]! & 0x80) === 0 ? at : -1;
}

/** The items of an `ExecuteToolStreamResponse`, which is the bytes from `start` to `end`. `memory` is as in {@link decodeResult}. */
export function decodeItems(
  bytes: Uint8Array,
  start: number,
  end: number,
  attached: readonly Uint8Array[],
  owned: boolean,
  objects?: ObjectReferences,
  memory?: SharedMemory,
): unknown[] {
  if (hasOnlyItems(bytes, start, end)) {
    const values: unknown[] = [];
    for (let at = start; at < end; ) {
      const length = varintAt(bytes, at + 1);
      at += 1 + varintLength(length);
      values.push(decode(bytes, at, at + length, undefined, objects));
      at += length;
    }
    return values;
  }
  const response = fromBinary(ExecuteToolStreamResponseSchema, bytes.subarray(start, end));
  const buffers = receivedBuffers(response.buffers, attached, owned, memory, false);
  return response.items.map((item) => decode(item, 0, item.length, buffers, objects));
}

/** Gives back what the answer to a call that is over has lent, of either kind. Other messages have lent nothing. */
export function giveBack(memory: SharedMemory | undefined, kind: number, bytes: Uint8Array, start: number, end: number): void {
  if (memory === undefined || (kind !== Kind.RESULT && kind !== Kind.MESSAGE)) return;
  try {
    for (const range of lentRanges(bytes, start, end)) memory.read(range, false);
  } catch {
    // It was something else, or nobody is left to tell.
  }
  memory.finish();
}

/** The parts of shared memory that such an answer lends, of either kind: both messages have the same two fields. */
function lentRanges(bytes: Uint8Array, start: number, end: number): SharedRange[] {
  if (hasOnlyItems(bytes, start, end)) return [];
  const { buffers } = fromBinary(ExecuteToolStreamResponseSchema, bytes.subarray(start, end));
  return buffers.flatMap(({ location }) => (location.case === "shared" ? [location.value] : []));
}

/** Whether the message is its items and nothing else, each length in its shortest form, so that it needs no generated code. */
function hasOnlyItems(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    if (bytes[at] !== TAG_ITEM) return false;
    const length = varintAt(bytes, at + 1);
    const size = varintLength(length);
    if ((bytes[at + size]! & 0x80) !== 0) return false;
    at += 1 + size + length;
  }
  return at === end;
}

/** The length at `at`. */
function varintAt(bytes: Uint8Array, at: number): number {
  let length = 0;
  for (let shift = 0; shift <= 28; shift += 7) {
    const byte = bytes[at++]!;
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  return length;
}

function receivedBuffers(
  buffers: readonly BufferMessage[],
  attached: readonly Uint8Array[],
  owned: boolean,
  memory: SharedMemory | undefined,
  asView: boolean,
): ReceivedBuffer[] {
  return buffers.map(({ dtype, shape, kind, location }) => {
    const meaning = { dtype, shape: shape.map(Number), kind };
    if (location.case === "inline") return { ...meaning, data: location.value, owned };
    if (location.case === "shared" && memory !== undefined) {
      return { ...meaning, data: memory.read(location.value, asView), owned: asView };
    }
    const data = location.case === "attached" ? attached[location.value] : undefined;
    if (data === undefined) throw fault("a message whose buffer did not come");
    return { ...meaning, data, owned: true };
  });
}
