import { describe, expect, test } from "bun:test";
import { create, type DescField, fromBinary, type MessageInitShape, ScalarType, toBinary } from "@bufbuild/protobuf";
import { Code, type ConnectError, createClient } from "@connectrpc/connect";
import fc from "fast-check";
import { ExecuteToolRequestSchema, ExecuteToolResponseSchema, WorkerService } from "../gen/snakepit/v1/worker_pb.ts";
import { plainRequest, plainResponse } from "./connect-execute.ts";
import { Prefixes, sendPlain } from "./execute.ts";
import { HEADER_BYTES, Kind } from "./frame.ts";
import { body, type Frame, openPeer, type Peer, read } from "./testing-peer.ts";
import { FrameWriter } from "./writer.ts";

const text = fc.string({ unit: "grapheme", maxLength: 200 });
const bytes = (minLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength, maxLength: 20_000, size: "max" });

/** The body of the frame that a request by hand makes. */
function bodyByHand(request: MessageInitShape<typeof ExecuteToolRequestSchema>): Uint8Array | undefined {
  const plain = plainRequest(request);
  if (plain === undefined) return undefined;
  const sent: Uint8Array[] = [];
  const writer = new FrameWriter({
    waiting: 0,
    write: (data) => sent.push(data.slice()) > 0,
    cork() {},
    uncork() {},
    destroy() {},
  });
  sendPlain(writer, Kind.EXECUTE, 1, 0, new Prefixes().get(plain.sessionId, plain.tool), plain.args);
  writer.flush();
  return sent[0]!.subarray(HEADER_BYTES);
}

describe("requests by hand", () => {
  test("are the bytes of the generated message, whether a message is given or what one is made of", () => {
    fc.assert(
      fc.property(text, text, bytes(1), (sessionId, tool, args) => {
        const message = create(ExecuteToolRequestSchema, { sessionId, tool, args });
        const generated = toBinary(ExecuteToolRequestSchema, message);
        expect(Buffer.compare(bodyByHand(message)!, generated)).toBe(0);
        expect(Buffer.compare(bodyByHand({ sessionId, tool, args })!, generated)).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test("are made of no request that says anything else", () => {
    const plain = { sessionId: "s", tool: "t", args: Uint8Array.of(0x80) };
    const other = ({ fieldKind, scalar }: DescField): unknown => (fieldKind === "list" ? [{}] : scalar === ScalarType.STRING ? "x" : 1);
    for (const field of ExecuteToolRequestSchema.fields) {
      if (field.localName in plain) continue;
      expect([field.localName, bodyByHand({ ...plain, [field.localName]: other(field) })]).toEqual([field.localName, undefined]);
    }
    const newer = fromBinary(
      ExecuteToolRequestSchema,
      Uint8Array.of(...toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, plain)), 0x78, 1),
    );
    expect(bodyByHand(newer)).toBeUndefined();
    expect(bodyByHand({ tool: "t" })).toBeUndefined();
    expect(bodyByHand({ tool: "t", args: new Uint8Array(0) })).toBeUndefined();
  });
});

describe("responses by hand", () => {
  test("are what the generated code reads, in memory of their own", () => {
    fc.assert(
      fc.property(bytes(1), (result) => {
        const body = toBinary(ExecuteToolResponseSchema, create(ExecuteToolResponseSchema, { result }));
        const around = Uint8Array.of(0x0a, 3, ...body, 0x0a);
        const response = plainResponse(around, 2, 2 + body.length);
        around.fill(0);
        expect(response).toEqual(fromBinary(ExecuteToolResponseSchema, body));
      }),
      { numRuns: 50 },
    );
  });

  test("are left to the generated code when there is anything else, or less", () => {
    const buffers = [{ dtype: "f4", location: { case: "inline", value: new Uint8Array(4) } as const }];
    const message = body(ExecuteToolResponseSchema, { result: Uint8Array.of(1), buffers });
    expect(plainResponse(message, 0, message.length)).toBeUndefined();
    expect(plainResponse(message, 0, 2)).toBeUndefined();
    expect(plainResponse(message, 0, 0)).toBeUndefined();
  });
});

describe("a generated client's call of a tool", () => {
  const args = Uint8Array.of(0x81, 0xa1, 0x78, 5);
  const answer = (peer: Peer, frame: Frame): void =>
    peer.send({ kind: Kind.RESULT, call: frame.call, aux: 5, body: body(ExecuteToolResponseSchema, { result: args }) });

  test("goes as one Execute frame, with what the arguments were when it was made", async () => {
    await using pair = await openPeer();
    const client = createClient(WorkerService, pair.connection.transport);
    const given = args.slice();
    const done = client.executeTool({ sessionId: "s", tool: "add", args: given }, { timeoutMs: 60_000 });
    given.fill(0);
    const frame = await pair.peer.frames.take();
    expect(frame).toMatchObject({ kind: Kind.EXECUTE, flags: 0, aux: 60_000, prefix: 9 });
    expect(read(ExecuteToolRequestSchema, { ...frame, prefix: 0 })).toMatchObject({ sessionId: "s", tool: "add", args });
    answer(pair.peer, frame);
    expect(await done).toEqual(create(ExecuteToolResponseSchema, { result: args }));
  });

  test("goes by Open when it has headers, buffers, or more than fits into the arena", async () => {
    await using pair = await openPeer();
    const client = createClient(WorkerService, pair.connection.transport);
    const buffers = [{ dtype: "f4", location: { case: "inline", value: new Uint8Array(4) } as const }];
    const calls = [
      client.executeTool({ tool: "t", args }, { headers: { "x-why": "because" } }),
      client.executeTool({ tool: "t", args, buffers }),
      client.executeTool({ tool: "t", args: new Uint8Array(32_768) }),
    ];
    for (const call of calls) {
      const frame = await pair.peer.frames.take();
      expect(frame.kind).toBe(Kind.OPEN);
      answer(pair.peer, frame);
      expect((await call).result).toEqual(args);
    }
  });

  test("is cancelled by its signal, and fails without being sent over the limit of the worker", async () => {
    await using pair = await openPeer({ peerLimits: { maxMessageBytes: 1_000 } });
    const client = createClient(WorkerService, pair.connection.transport);
    const left = new AbortController();
    const cancelled = client.executeTool({ tool: "t", args }, { signal: left.signal }).catch((error: ConnectError) => error.code);
    const { call } = await pair.peer.frames.take();
    const large = client.executeTool({ tool: "t", args: new Uint8Array(1_000) }).catch((error: ConnectError) => error.code);
    expect(await large).toBe(Code.ResourceExhausted);
    left.abort();
    expect(await cancelled).toBe(Code.Canceled);
    expect(await pair.peer.frames.take()).toMatchObject({ kind: Kind.CANCEL, call });
  });
});
