/** Messages of a stream in the bytes of its body: a byte of flags, four of length, then the message. */
import { ProtocolError } from "../errors/index.ts";

/** One message with its flags. */
export interface Envelope {
  readonly flags: number;
  readonly data: Uint8Array;
}

const HEAD_BYTES = 5;

/** Largest message that is read, in bytes: what a length may claim before it is believed. */
const MAX_BYTES = 2 ** 31 - 1;

/** The message as the only one of a request. */
export function envelope(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEAD_BYTES + data.length);
  new DataView(bytes.buffer).setUint32(1, data.length);
  bytes.set(data, HEAD_BYTES);
  return bytes;
}

/** The messages of a body as they are taken; nothing is read before. Ends where the body ends, in the middle of a message too: its end is told by its flags. */
export async function* envelopes(body: ReadableStream<Uint8Array>): AsyncGenerator<Envelope, undefined> {
  const reader = body.getReader();
  /** What has come and was not given yet. Put together once a message is whole, so that a large one in many pieces is copied once. */
  let pieces: Uint8Array[] = [];
  let size = 0;
  let wanted = HEAD_BYTES;
  try {
    for (;;) {
      while (size < wanted) {
        const { value, done } = await reader.read();
        if (done) return undefined;
        pieces.push(value);
        size += value.length;
      }
      let bytes = joined(pieces, size);
      for (;;) {
        wanted = bytes.length < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + lengthIn(bytes);
        if (bytes.length < wanted) break;
        yield { flags: bytes[0] ?? 0, data: bytes.subarray(HEAD_BYTES, wanted) };
        bytes = bytes.subarray(wanted);
      }
      pieces = [bytes];
      size = bytes.length;
    }
  } finally {
    // Not waited for: a body whose connection hangs would never say that it was cancelled.
    void reader.cancel().catch(() => {});
  }
}

function joined(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const [first] = pieces;
  if (pieces.length === 1 && first !== undefined) return first;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

function lengthIn(bytes: Uint8Array): number {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  if (length > MAX_BYTES) throw new ProtocolError({ reason: `a message claims ${length} bytes` });
  return length;
}
