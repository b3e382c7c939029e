import { expect, test } from "bun:test";
import fc from "fast-check";
import { Packr } from "msgpackr";
import { ProtocolError } from "../errors/index.ts";
import type { Buffer_Kind } from "../gen/snakepit/v1/value_pb.ts";
import { decode, Encoder, ObjectRef, type ObjectReferences, type ReceivedBuffer, type ValueSink } from "./index.ts";

/** The fields of a message, as far as values know them: what one side's sink collected is what the other side receives. */
class Message implements ValueSink {
  readonly buffers: ReceivedBuffer[] = [];
  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    return this.buffers.push({ data: data.slice(), dtype, shape, kind, owned: true }) - 1;
  }
}

const encoder = new Encoder();

function roundTrip(value: unknown): unknown {
  const message = new Message();
  const bytes = encoder.encode(value, message).slice();
  return decode(bytes, 0, bytes.length, message.buffers);
}

const text = fc.string({ unit: "grapheme", maxLength: 80 });
const outside64 = fc.bigInt({ min: -(2n ** 300n), max: 2n ** 300n }).filter((n) => n < -(2n ** 53n) || n > 2n ** 53n);
const date = fc.date({ min: new Date(-62_135_596_800_000), max: new Date(253_402_300_799_999), noInvalidDate: true });
const arrays = fc.oneof(
  fc.uint8Array(),
  fc.int8Array(),
  fc.uint16Array(),
  fc.int16Array(),
  fc.uint32Array(),
  fc.int32Array(),
  fc.float32Array(),
  fc.float64Array(),
  fc.bigInt64Array(),
  fc.bigUint64Array(),
  fc.float32Array().map((floats) => Float16Array.from(floats)),
);
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 200 }),
  outside64,
  fc.boolean(),
  fc.constant(null),
  date,
  arrays,
);
const key = fc.oneof(text, fc.constantFrom("__proto__", "constructor", "toString", "0", "-1", ""));
const value = fc.letrec((tie) => ({
  any: fc.oneof({ maxDepth: 6, withCrossShrink: true }, leaf, tie("array"), tie("object"), tie("map")),
  array: fc.array(tie("any"), { maxLength: 20 }),
  object: fc.dictionary(key, tie("any"), { maxKeys: 20 }).map(({ ...own }) => own),
  map: fc
    .array(fc.tuple(fc.oneof(fc.integer(), fc.double({ noInteger: true, noNaN: true }), fc.boolean(), text, outside64), tie("any")), {
      maxLength: 10,
    })
    .map((entries) => new Map<unknown, unknown>([[null, 0], ...entries])),
})).any;

test("any value comes back as it went", () => {
  fc.assert(
    fc.property(value, (sent) => {
      expect(roundTrip(sent)).toStrictEqual(sent);
    }),
    { numRuns: 500 },
  );
});

test("a number keeps every bit that it has", () => {
  fc.assert(
    fc.property(fc.oneof(fc.double(), fc.maxSafeInteger(), fc.constantFrom(-0, 0, Number.NaN)), (sent) => Object.is(roundTrip(sent), sent)),
    { numRuns: 2_000 },
  );
});

test("an integer of any size keeps its value", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), fc.integer({ min: 0, max: 200 }), (wide, bits) => {
      const sent = BigInt.asIntN(bits, wide);
      expect(BigInt(roundTrip(sent) as bigint | number)).toBe(sent);
    }),
    { numRuns: 2_000 },
  );
});

test("what msgpackr writes the same way is written with the same bytes", () => {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  const both = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 5 },
      text,
      fc.integer(),
      fc.double({ noInteger: true }),
      fc.boolean(),
      fc.constant(null),
      fc.uint8Array(),
      tie("array"),
      tie("object"),
    ),
    array: fc.array(tie("any"), { maxLength: 40 }),
    object: fc
      .dictionary(
        text.filter((name) => name !== "__proto__"),
        tie("any"),
        { maxKeys: 40 },
      )
      .map(({ ...own }) => own),
  })).any;
  fc.assert(
    fc.property(both, (sent) => {
      expect(encoder.encode(sent).toHex()).toBe(new Uint8Array(packr.pack(sent)).toHex());
    }),
    { numRuns: 300 },
  );
});

test("every truncation of a value is refused", () => {
  fc.assert(
    fc.property(value, (sent) => {
      const message = new Message();
      const bytes = encoder.encode(sent, message).slice();
      for (let length = 0; length < Math.min(bytes.length, 400); length++) {
        // The bytes behind the range are the right ones, so reading past it would go unnoticed.
        expect(() => decode(bytes, 0, length, message.buffers)).toThrow(ProtocolError);
      }
    }),
    { numRuns: 100 },
  );
});

test("random bytes and random changes give a value or a ProtocolError", () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
  const attempt = (bytes: Uint8Array, buffers: readonly ReceivedBuffer[]): void => {
    try {
      decode(bytes, 0, bytes.length, buffers);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  };
  fc.assert(
    fc.property(value, changes, (sent, edits) => {
      const message = new Message();
      const bytes = encoder.encode(sent, message).slice();
      for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
      attempt(bytes, message.buffers);
    }),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      attempt(bytes, []);
    }),
    { numRuns: 5_000 },
  );
});

test("the path of a refused value leads to it", () => {
  const step = fc.oneof(fc.nat({ max: 5 }), text);
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const bad = Symbol("bad");
      const sent = steps.reduceRight<unknown>(
        (inner, at) => (typeof at === "number" ? [...new Array(at).fill(at), inner] : { a: 1, [at]: inner }),
        bad,
      );
      let path = "";
      try {
        encoder.encode(sent);
      } catch (error) {
        path = (error as { path: string }).path;
      }
      expect(follow(sent, path)).toBe(bad);
    }),
    { numRuns: 300 },
  );
});

/** Reads a path as JavaScript would. */
function follow(value: unknown, path: string): unknown {
  return new Function("$", `return ${path}`)(value);
}

test("references to stored objects of any names come back from among any values, and damaged ones fail or are others", () => {
  const place = fc.record({ session: text, worker: text, key: text, type: text });
  const references: ObjectReferences = { objectRef: (found) => new ObjectRef(found, () => {}) };
  fc.assert(
    fc.property(place, text, fc.nat(), fc.nat(255), (at, other, position, byte) => {
      const sink: ValueSink = { buffer: () => 0, objectSession: at.session };
      const bytes = encoder.encode([other, { ref: new ObjectRef(at, () => {}) }, other], sink).slice();
      const [first, { ref }, last] = decode(bytes, 0, bytes.length, [], references) as [unknown, { ref: ObjectRef }, unknown];
      expect([first, last]).toEqual([other, other]);
      expect({ session: ref.session, worker: ref.worker, key: ref.key, type: ref.type }).toEqual(at);
      bytes[position % bytes.length] = byte;
      try {
        decode(bytes, 0, bytes.length, [], references);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
      }
    }),
  );
});
