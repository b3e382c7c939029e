import { describe, expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import {
  ExecuteToolRequestSchema,
  ExecuteToolResponseSchema,
  ExecuteToolStreamRequestSchema,
  ExecuteToolStreamResponseSchema,
} from "../gen/snakepit/v1/worker_pb.ts";
import { decode, Encoder } from "../value/index.ts";
import { decodeItems, decodeResult, nestingField, Prefixes, requestParts, traceField } from "./execute.ts";
import { copyBytes } from "./frame.ts";
import { OutgoingArguments, OutgoingBuffers } from "./outgoing.ts";

const joined = (parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const text = fc.string({ unit: "grapheme", maxLength: 200 });
const encoder = new Encoder();
const encoded = (value: unknown): Uint8Array => copyBytes(encoder.encode(value));

describe("requests by hand", () => {
  test("are the bytes of the generated message, for any session, tool and arguments", () => {
    const prefixes = new Prefixes();
    fc.assert(
      fc.property(
        text,
        text.filter((tool) => tool !== ""),
        fc.uint8Array({ minLength: 1, maxLength: 40_000, size: "max" }),
        (sessionId, tool, args) => {
          const mine = joined(requestParts(prefixes.get(sessionId, tool), args, []));
          const generated = toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, { sessionId, tool, args }));
          expect(Buffer.compare(mine, generated)).toBe(0);
          expect(
            Buffer.compare(
              mine,
              toBinary(ExecuteToolStreamRequestSchema, create(ExecuteToolStreamRequestSchema, { sessionId, tool, args })),
            ),
          ).toBe(0);
        },
      ),
      { numRuns: 50 },
    );
  });

  test("say what they are part of as the generated messages do", () => {
    const prefixes = new Prefixes();
    const uint32 = fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300 }), fc.integer({ min: 0, max: 0xffff_ffff }));
    fc.assert(
      fc.property(uint32, uint32, (depth, waiter) => {
        const args = Uint8Array.of(0x80);
        const message = { sessionId: "s", tool: "t", args, depth, waiter };
        const mine = (isStream: boolean): string =>
          joined(requestParts(prefixes.get("s", "t"), args, [nestingField(message, isStream)])).toHex();
        expect(mine(false)).toBe(toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, message)).toHex());
        expect(mine(true)).toBe(toBinary(ExecuteToolStreamRequestSchema, create(ExecuteToolStreamRequestSchema, message)).toHex());
      }),
    );
  });

  test("carry their trace context before what they are part of, as the generated messages do", () => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const message = { sessionId: "s", tool: "t", args: Uint8Array.of(0x80), traceparent, depth: 300, waiter: 1 };
    const mine = (isStream: boolean): string =>
      joined(requestParts(new Prefixes().get("s", "t"), message.args, [traceField(traceparent), nestingField(message, isStream)])).toHex();
    expect(mine(false)).toBe(toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, message)).toHex());
    expect(mine(true)).toBe(toBinary(ExecuteToolStreamRequestSchema, create(ExecuteToolStreamRequestSchema, message)).toHex());
  });

  test("carry their buffers as the generated message does", () => {
    const buffers = new OutgoingArguments();
    const large = new Float64Array(5000);
    const args = copyBytes(encoder.encode({ small: new Float32Array([1, 2]), large }, buffers));
    buffers.place(1_000_000, 0);
    const message = fromBinary(ExecuteToolRequestSchema, joined(requestParts(new Prefixes().get("s", "t"), args, buffers.fields)));
    expect(message).toMatchObject({
      sessionId: "s",
      tool: "t",
      buffers: [
        { dtype: "f4", shape: [2n], location: { case: "inline" } },
        { dtype: "f8", shape: [5000n], location: { case: "attached", value: 0 } },
      ],
    });
    expect(
      Buffer.compare(toBinary(ExecuteToolRequestSchema, message), joined(requestParts(new Prefixes().get("s", "t"), args, buffers.fields))),
    ).toBe(0);
    expect(buffers.attached[0]?.buffer).toBe(large.buffer);
  });

  test("keep their constant parts however many sessions there are", () => {
    const prefixes = new Prefixes();
    for (let i = 0; i < 10_000; i++) prefixes.get(`session ${i}`, "tool");
    const prefix = prefixes.get("session 1", "tool");
    expect(prefixes.get("session 1", "tool")).toBe(prefix);
    expect(fromBinary(ExecuteToolRequestSchema, joined([prefix, Uint8Array.of(0)]))).toMatchObject({
      sessionId: "session 1",
      tool: "tool",
    });
  });
});

describe("answers by hand", () => {
  const inside = (body: Uint8Array, decode: (bytes: Uint8Array, start: number, end: number) => unknown): unknown =>
    decode(joined([Uint8Array.of(10, 200), body, Uint8Array.of(10, 3)]), 2, 2 + body.length);

  test("are read in place as the generated code reads them", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const body = toBinary(ExecuteToolResponseSchema, create(ExecuteToolResponseSchema, { result: encoded(value) }));
        expect(inside(body, (bytes, start, end) => decodeResult(bytes, start, end, [], false))).toEqual(decode(encoded(value)));
      }),
    );
  });

  test("give items in order, with and without buffers", () => {
    const items = [encoded(1), encoded("two".repeat(100)), encoded({ three: 3 })];
    const plain = toBinary(ExecuteToolStreamResponseSchema, create(ExecuteToolStreamResponseSchema, { items }));
    expect(inside(plain, (bytes, start, end) => decodeItems(bytes, start, end, [], false))).toEqual([1, "two".repeat(100), { three: 3 }]);
    const outgoing = new OutgoingBuffers(0x12);
    const first = copyBytes(encoder.encode(new Float32Array([1, 2]), outgoing));
    outgoing.place(1_000_000, 0);
    const generated = toBinary(ExecuteToolStreamResponseSchema, create(ExecuteToolStreamResponseSchema, { items: [first, encoded(5)] }));
    const body = joined([generated, ...outgoing.fields]);
    expect(inside(body, (bytes, start, end) => decodeItems(bytes, start, end, [], false))).toEqual([new Float32Array([1, 2]), 5]);
  });

  test("with bytes changed give another value or fail, and read nothing outside", () => {
    const body = toBinary(
      ExecuteToolStreamResponseSchema,
      create(ExecuteToolStreamResponseSchema, { items: [encoded([1, 2, 3]), encoded("abc")] }),
    );
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.nat(255), (at, byte) => {
        const changed = body.slice();
        changed[at] = byte;
        for (const decode of [decodeItems, decodeResult]) {
          try {
            inside(changed, (bytes, start, end) => decode(bytes, start, end, [], false));
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        }
      }),
    );
  });
});
