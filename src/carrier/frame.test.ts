import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProtocolError } from "../errors/index.ts";
import { copyBytes, FrameReader, HEADER_BYTES, Kind, MAX_BODY_BYTES, writeHeader } from "./frame.ts";
import { type Frame, frameBytes } from "./testing-peer.ts";

function collect(): { readonly frames: Frame[]; readonly reader: FrameReader } {
  const frames: Frame[] = [];
  const reader = new FrameReader({
    frame: (bytes, kind, flags, prefix, call, aux, start, end) =>
      frames.push({ kind, flags, prefix, call, aux, body: copyBytes(bytes, start, end) }),
  });
  return { frames, reader };
}

const someFrames: Frame[] = [
  { kind: Kind.CANCEL, flags: 0, prefix: 0, call: 7, aux: 0, body: new Uint8Array(0) },
  { kind: Kind.RESULT, flags: 0, prefix: 3, call: 0x8000_0001, aux: 0xffff_ffff, body: Uint8Array.of(1, 2, 3, 4, 5) },
  { kind: Kind.MESSAGE, flags: 1, prefix: 65_535, call: 0x7fff_ffff, aux: 1, body: new Uint8Array(40).fill(9) },
  { kind: Kind.EVENT, flags: 2, prefix: 0, call: 0, aux: 0, body: Uint8Array.of(0) },
];
const bytes = new Uint8Array(Buffer.concat(someFrames.map(frameBytes)));

describe("FrameReader", () => {
  test("gives the same frames wherever the bytes are cut", () => {
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { frames, reader } = collect();
      reader.read(bytes.subarray(0, cut), cut);
      reader.read(bytes.subarray(cut), bytes.length - cut);
      expect(frames).toEqual(someFrames);
    }
  });

  test("gives the same frames byte by byte, from memory that is overwritten", () => {
    const { frames, reader } = collect();
    const memory = new Uint8Array(64);
    for (const byte of bytes) {
      memory.fill(0xee);
      memory[0] = byte;
      reader.read(memory, 1);
    }
    expect(frames).toEqual(someFrames);
  });

  test("gives the same frames in reads of any sizes", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sizes) => {
        const { frames, reader } = collect();
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const size = Math.min(sizes[i % sizes.length]!, bytes.length - at);
          reader.read(bytes.subarray(at, at + size), size);
          at += size;
        }
        expect(frames).toEqual(someFrames);
      }),
    );
  });

  test("refuses a body over the limit, an unknown kind and unknown flags from the header alone", () => {
    const header = (length: number, kind: number, flags: number): Uint8Array => {
      const head = new Uint8Array(HEADER_BYTES);
      writeHeader(head, 0, length, kind, flags, 0, 1, 0);
      return head;
    };
    for (const head of [header(MAX_BODY_BYTES + 1, Kind.PART, 0), header(0xffff_ffff, Kind.PART, 0), header(0, 15, 0), header(0, 4, 4)]) {
      expect(() => collect().reader.read(head, head.length)).toThrow(ProtocolError);
      const { reader } = collect();
      reader.read(head, HEADER_BYTES - 1);
      expect(() => reader.read(head.subarray(HEADER_BYTES - 1), 1)).toThrow(ProtocolError);
    }
    const { frames, reader } = collect();
    const largest = frameBytes({ kind: Kind.PART, call: 1, body: new Uint8Array(MAX_BODY_BYTES) });
    reader.read(largest, largest.length);
    expect(frames[0]?.body.length).toBe(MAX_BODY_BYTES);
  });

  test("takes any bytes without failing otherwise", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 })), (reads) => {
        const { reader } = collect();
        try {
          for (const read of reads) reader.read(read, read.length);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
    );
  });
});
