import { describe, expect, test } from "bun:test";
import { create, fromBinary } from "@bufbuild/protobuf";
import { Code, createClient, type HandlerContext } from "@connectrpc/connect";
import fc from "fast-check";
import { InputFailed, PayloadTooLarge, ProtocolError, ToolFailed, UnsupportedValue } from "../errors/index.ts";
import { toDetail } from "../errors/wire.ts";
import { ErrorDetailSchema } from "../gen/snakepit/v1/error_pb.ts";
import { CallErrorSchema, CallHeadSchema, EventSchema, HostEventSchema } from "../gen/snakepit/v1/frame_pb.ts";
import { CallToolRequestSchema, CallToolResponseSchema, PingHostRequestSchema } from "../gen/snakepit/v1/host_pb.ts";
import {
  ExecuteToolRequestSchema,
  ExecuteToolResponseSchema,
  ExecuteToolStreamRequestSchema,
  ExecuteToolStreamResponseSchema,
  InitializeSessionRequestSchema,
  InitializeSessionResponseSchema,
  WorkerService,
} from "../gen/snakepit/v1/worker_pb.ts";
import { decode, Encoder } from "../value/index.ts";
import { ObjectRef } from "../value/object-ref.ts";
import { copyBytes, Flag, Kind, MAX_BODY_BYTES, writeUint32 } from "./frame.ts";
import { body, type Frame, frameBytes, openPeer, type Peer, read, startCall, type TestCall } from "./testing-peer.ts";

const encoder = new Encoder();
const packed = (value: unknown): Uint8Array => copyBytes(encoder.encode(value));
const result = (value: unknown): Uint8Array => body(ExecuteToolResponseSchema, { result: packed(value) });
const items = (...values: unknown[]): Uint8Array => body(ExecuteToolStreamResponseSchema, { items: values.map(packed) });
const answer = (peer: Peer, frame: Frame, value: unknown): void =>
  peer.send({ kind: Kind.RESULT, call: frame.call, aux: 5, body: result(value) });

/** A message as the frames that it is cut into. */
function cut(kind: number, call: number, message: Uint8Array): { kind: number; flags?: number; call: number; body: Uint8Array }[] {
  const first = new Uint8Array(MAX_BODY_BYTES);
  writeUint32(first, 0, message.length);
  first.set(message.subarray(0, MAX_BODY_BYTES - 4), 4);
  const frames: { kind: number; flags?: number; call: number; body: Uint8Array }[] = [{ kind, flags: Flag.CUT, call, body: first }];
  for (let at = MAX_BODY_BYTES - 4; at < message.length; at += MAX_BODY_BYTES) {
    frames.push({ kind: Kind.PART, call, body: message.subarray(at, at + MAX_BODY_BYTES) });
  }
  return frames;
}

describe("a tool call", () => {
  test("goes as one Execute frame and gives the result", async () => {
    await using pair = await openPeer();
    const call = startCall(pair.connection, "add", { a: 1, b: "zwei" });
    expect(pair.connection.inFlight).toBe(1);
    const frame = await pair.peer.frames.take();
    expect(frame).toMatchObject({ kind: Kind.EXECUTE, flags: 0, aux: 0, prefix: 6 });
    expect(frame.call).toBeLessThan(0x8000_0000);
    const request = read(ExecuteToolRequestSchema, { ...frame, prefix: 0 });
    expect(request).toMatchObject({ sessionId: "", tool: "add" });
    expect(decode(request.args)).toEqual({ a: 1, b: "zwei" });
    answer(pair.peer, frame, [3]);
    expect(await call.outcome).toEqual([3]);
    expect(pair.connection.inFlight).toBe(0);
    expect(call.wireId).toBe(0);
  });

  test("gets its own answer among hundreds that come back in another order, cut anywhere", async () => {
    await using pair = await openPeer();
    const calls = Array.from({ length: 300 }, (_, i) => startCall(pair.connection, "echo", { i }));
    const frames: Frame[] = [];
    for (let i = 0; i < 300; i++) frames.push(await pair.peer.frames.take());
    const bytes = Buffer.concat(
      frames.reverse().map((frame) =>
        frameBytes({
          kind: Kind.RESULT,
          call: frame.call,
          body: result(decode(read(ExecuteToolRequestSchema, { ...frame, prefix: 0 }).args)),
        }),
      ),
    );
    for (let at = 0; at < bytes.length; at += 37) pair.peer.socket.write(bytes.subarray(at, at + 37));
    expect(await Promise.all(calls.map((call) => call.outcome))).toEqual(calls.map((_, i) => ({ i })));
  });

  test("fails with the worker's own error, and with ProtocolError where it has none", async () => {
    await using pair = await openPeer();
    const error = new ToolFailed({ tool: "t", type: "ValueError", detail: "no", traceback: "tb", causes: [] });
    const value = body(ErrorDetailSchema, toDetail(error));
    const first = startCall(pair.connection, "t", {});
    const details = [{ typeUrl: `type.googleapis.com/${ErrorDetailSchema.typeName}`, value }];
    pair.peer.send({
      kind: Kind.ERROR,
      call: (await pair.peer.frames.take()).call,
      aux: 2,
      body: body(CallErrorSchema, { message: error.message, details }),
    });
    expect(await first.error()).toMatchObject({ _tag: "ToolFailed", type: "ValueError", traceback: "tb" });
    const second = startCall(pair.connection, "t", {});
    pair.peer.send({
      kind: Kind.ERROR,
      call: (await pair.peer.frames.take()).call,
      aux: 13,
      body: body(CallErrorSchema, { message: "odd" }),
    });
    expect((await second.error()).message).toContain("odd");
  });

  test("that cannot be sent throws, and leaves the connection as it was", async () => {
    await using pair = await openPeer({ peerLimits: { maxMessageBytes: 100_000, maxBufferBytes: 200_000 } });
    const { connection, peer } = pair;
    expect(() => startCall(connection, "t", { f: Symbol("f") })).toThrow(UnsupportedValue);
    expect(() => startCall(connection, "t", { s: "x".repeat(100_000) })).toThrow(PayloadTooLarge);
    expect(() => startCall(connection, "t", { b: new Uint8Array(100_000), c: new Uint8Array(100_001) })).toThrow(PayloadTooLarge);
    expect(connection.inFlight).toBe(0);
    const call = startCall(connection, "t", { b: new Uint8Array(100_000) });
    const attached = await peer.frames.take();
    expect(attached).toMatchObject({ kind: Kind.ATTACH, body: { length: 100_000 } });
    answer(peer, await peer.frames.take(), true);
    expect(await call.outcome).toBe(true);
  });

  test("that is part of another says how deep it is and what waits for it", async () => {
    await using pair = await openPeer();
    const of = { sessionId: "s", depth: 2, waiter: 0xffff_ffff };
    startCall(pair.connection, "t", { a: new Float32Array([1]) }, false, of);
    startCall(pair.connection, "t", {}, true, of);
    const request = read(ExecuteToolRequestSchema, { ...(await pair.peer.frames.take()), prefix: 0 });
    expect(request).toMatchObject({ ...of, tool: "t", buffers: [{ dtype: "f4" }] });
    expect(read(ExecuteToolStreamRequestSchema, { ...(await pair.peer.frames.take()), prefix: 0 })).toMatchObject({ ...of, tool: "t" });
  });

  test("lets Python call the functions among its arguments, and takes stored objects of its session", async () => {
    await using pair = await openPeer();
    const place = { session: "s", worker: "w", key: "k", type: "T" };
    const ref = new ObjectRef(place, () => {});
    const [double, half] = [(n: number) => n * 2, (n: number) => n / 2];
    const call = startCall(pair.connection, "t", { double, ref, more: [{ half }] }, false, { sessionId: "s" });
    const frame = await pair.peer.frames.take();
    const { args } = read(ExecuteToolRequestSchema, { ...frame, prefix: 0 });
    expect(call.functions).toEqual([double, half]);
    // The reference is its place, as the worker sends it too.
    const sent = Buffer.from(args);
    expect(sent.indexOf(packed("double"))).toBeLessThan(sent.indexOf(Uint8Array.of(0xd4, 4, 1)));
    expect(sent.indexOf(Uint8Array.of(0xd4, 4, 2))).toBeGreaterThan(sent.indexOf(packed("half")));
    const extension = sent.subarray(sent.indexOf(packed("ref")) + 4, sent.indexOf(packed("more")));
    pair.peer.send({ kind: Kind.RESULT, call: frame.call, body: body(ExecuteToolResponseSchema, { result: extension }) });
    const back = await call.outcome;
    expect(back).toBeInstanceOf(ObjectRef);
    expect(back).toMatchObject(place);
    const stream = startCall(pair.connection, "t", {}, true, { sessionId: "s" });
    const { call: id } = await pair.peer.frames.until(({ kind }) => kind === Kind.EXECUTE_STREAM);
    pair.peer.send(
      { kind: Kind.MESSAGE, call: id, aux: 1, body: body(ExecuteToolStreamResponseSchema, { items: [extension] }) },
      { kind: Kind.END, call: id },
    );
    expect(await stream.outcome).toMatchObject([place]);
  });

  test("fails alone when an answer names a function of the host's", async () => {
    await using pair = await openPeer();
    const call = startCall(pair.connection, "t", {});
    const { call: id } = await pair.peer.frames.take();
    pair.peer.send({ kind: Kind.RESULT, call: id, body: body(ExecuteToolResponseSchema, { result: Uint8Array.of(0xd4, 4, 1) }) });
    expect(await call.error()).toMatchObject({ _tag: "ProtocolError", reason: "a value has the unknown extension 4" });
    const next = startCall(pair.connection, "t", {});
    answer(pair.peer, await pair.peer.frames.take(), 1);
    expect(await next.outcome).toBe(1);
  });

  test("started by a getter among the arguments of another gets its own arguments", async () => {
    await using pair = await openPeer();
    let inner: TestCall | undefined;
    const outer = startCall(pair.connection, "outer", {
      a: new Float32Array([1]),
      get b() {
        inner = startCall(pair.connection, "inner", { x: new Float32Array([2, 3]) });
        return 1;
      },
    });
    const requests = [await pair.peer.frames.take(), await pair.peer.frames.take()].map((frame) =>
      read(ExecuteToolRequestSchema, { ...frame, prefix: 0 }),
    );
    expect(requests.map((request) => [request.tool, request.buffers.length, request.buffers[0]?.shape])).toEqual([
      ["inner", 1, [2n]],
      ["outer", 1, [1n]],
    ]);
    for (const frame of pair.peer.frames.all.slice(1)) answer(pair.peer, frame, 1);
    expect(await Promise.all([outer.outcome, inner?.outcome])).toEqual([1, 1]);
  });

  test("hears progress; log lines go to the owner", async () => {
    await using pair = await openPeer();
    const call = startCall(pair.connection, "t", {});
    const frame = await pair.peer.frames.take();
    pair.peer.send(
      {
        kind: Kind.EVENT,
        call: frame.call,
        body: body(EventSchema, { event: { case: "progress", value: { fraction: 0.5, message: "half" } } }),
      },
      {
        kind: Kind.EVENT,
        call: 0,
        body: body(EventSchema, { event: { case: "log", value: { level: 20, source: "stdout", text: "hi" } } }),
      },
      { kind: Kind.EVENT, call: 99, body: body(EventSchema, { event: { case: "progress", value: { fraction: 1, message: "" } } }) },
    );
    answer(pair.peer, frame, null);
    await call.outcome;
    expect(call.progress).toEqual([{ fraction: 0.5, message: "half" }]);
    expect(pair.logs.map((log) => log.text)).toEqual(["hi"]);
  });
});

describe("a connection", () => {
  test("says things without being asked, in the order of the calls around them", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const change = { id: "var_a_1", name: "a", version: 7n, deleted: false };
    startCall(connection, "first", {});
    connection.send(create(HostEventSchema, { event: { case: "variablesChanged", value: { sessionId: "s", variables: [change] } } }));
    startCall(connection, "second", {});
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.EXECUTE });
    const frame = await peer.frames.take();
    expect(frame).toMatchObject({ kind: Kind.EVENT, call: 0, prefix: 0, aux: 0 });
    expect(read(HostEventSchema, frame).event).toMatchObject({ case: "variablesChanged", value: { sessionId: "s", variables: [change] } });
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.EXECUTE });
    connection.close();
    expect(() => connection.send(create(HostEventSchema))).not.toThrow();
  });

  test("has sent a call of a generated client when the client's method returns, so a tool call comes after it", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const client = createClient(WorkerService, connection.transport);
    for (let i = 0; i < 3; i++) {
      const done = client.initializeSession({ sessionId: `s${i}` });
      startCall(connection, "t", {}, false, { sessionId: `s${i}` });
      const open = await peer.frames.take();
      expect(open.kind).toBe(Kind.OPEN);
      expect(fromBinary(InitializeSessionRequestSchema, open.body.subarray(open.prefix)).sessionId).toBe(`s${i}`);
      expect(await peer.frames.take()).toMatchObject({ kind: Kind.EXECUTE });
      peer.send({ kind: Kind.RESULT, call: open.call, body: body(InitializeSessionResponseSchema, {}) });
      await done;
    }
  });
});

describe("a cancelled call", () => {
  test("hears nothing more, whatever still comes for it", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const call = startCall(connection, "slow", {}, true);
    const { call: id } = await peer.frames.take();
    connection.cancel(call);
    connection.cancel(call);
    const cancelled = await peer.frames.until((frame) => frame.kind === Kind.CANCEL);
    expect(cancelled.call).toBe(id);
    const late = new Uint8Array(MAX_BODY_BYTES + 50).fill(1);
    peer.send(
      { kind: Kind.MESSAGE, call: id, aux: 1, body: items(1) },
      { kind: Kind.ATTACH, call: id, body: new Uint8Array(100) },
      ...cut(Kind.MESSAGE, id, late),
      { kind: Kind.RESULT, call: id, body: result(1) },
      { kind: Kind.END, call: id },
    );
    const next = startCall(connection, "next", {});
    answer(peer, await peer.frames.until((frame) => frame.kind === Kind.EXECUTE), "fine");
    expect(await next.outcome).toBe("fine");
    expect(call.ends).toBe(0);
    expect(call.items).toEqual([]);
    expect(peer.frames.all.filter((frame) => frame.kind === Kind.CANCEL)).toHaveLength(1);
  });

  test("in the middle of its pieces stops sending them and keeps nothing of what came", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    peer.socket.pause();
    const call = startCall(connection, "big", { b: "x".repeat(20_000_000) });
    await Promise.resolve();
    connection.cancel(call);
    peer.socket.resume();
    await peer.frames.until((frame) => frame.kind === Kind.CANCEL);
    const sent = peer.frames.all.reduce((sum, frame) => sum + frame.body.length, 0);
    expect(sent).toBeLessThan(5_000_000);
  });

  test("among thousands that race with their answers touches no other", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const calls = Array.from({ length: 5000 }, (_, i) => startCall(connection, "echo", { i }));
    const cancelled = new Set<TestCall>();
    for (let i = 0; i < calls.length; i++) {
      const frame = await peer.frames.until(({ kind }) => kind === Kind.EXECUTE);
      answer(peer, frame, i);
      const call = calls[(i * 7919) % calls.length]!;
      if (i % 2 === 0 && call.ends === 0) {
        connection.cancel(call);
        cancelled.add(call);
      }
    }
    const kept = calls.filter((call) => !cancelled.has(call));
    expect(await Promise.all(kept.map((call) => call.outcome))).toEqual(kept.map((call) => calls.indexOf(call)));
    expect([...cancelled].filter((call) => call.ends > 0)).toEqual([]);
    expect(connection.inFlight).toBe(0);
  });
});

describe("a streaming call", () => {
  test("gets its items in order and its end, and gives credit back at half the window", async () => {
    await using pair = await openPeer({ limits: { streamWindowBytes: 10_000 } });
    const { connection, peer } = pair;
    const call = startCall(connection, "count", { n: 6 }, true);
    const { call: id, kind } = await peer.frames.take();
    expect(kind).toBe(Kind.EXECUTE_STREAM);
    peer.send(
      { kind: Kind.MESSAGE, call: id, aux: 2, body: items(1, 2) },
      { kind: Kind.MESSAGE, call: id, aux: 4, body: items(3, 4, 5, 6) },
    );
    await call.arrival();
    await call.arrival();
    expect(call.costs).toEqual([2048, 4096]);
    connection.release(call, 2048);
    connection.release(call, 4096);
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.CREDIT, prefix: 0, call: id, aux: 6144 });
    peer.send({ kind: Kind.END, call: id });
    expect(await call.outcome).toEqual([1, 2, 3, 4, 5, 6]);
    connection.release(call, 10_000);
    expect(peer.frames.all.filter((frame) => frame.kind === Kind.CREDIT)).toHaveLength(1);
  });

  test("gets buffers that came before their items", async () => {
    await using pair = await openPeer();
    const { peer } = pair;
    const call = startCall(pair.connection, "arrays", {}, true);
    const { call: id } = await peer.frames.take();
    const data = new Float64Array([1.5, 2.5]);
    const item = Uint8Array.of(0xd4, 1, 0);
    for (let i = 0; i < 2; i++) {
      peer.send(
        { kind: Kind.ATTACH, call: id, body: new Uint8Array(data.buffer) },
        {
          kind: Kind.MESSAGE,
          call: id,
          aux: 1,
          body: body(ExecuteToolStreamResponseSchema, {
            items: [item],
            buffers: [{ dtype: "f8", shape: [2n], kind: 1, location: { case: "attached", value: 0 } }],
          }),
        },
      );
    }
    peer.send({ kind: Kind.END, call: id });
    expect(await call.outcome).toEqual([data, data]);
  });

  test("that is only fed gets its one item as the result", async () => {
    await using pair = await openPeer();
    const call = startCall(pair.connection, "total", { numbers: from([1, 2]) });
    const { call: id } = await pair.peer.frames.take();
    pair.peer.send({ kind: Kind.MESSAGE, call: id, aux: 1, body: items(3) }, { kind: Kind.END, call: id });
    expect(await call.outcome).toBe(3);
    expect(call.items).toEqual([]);
  });
});

describe("large messages", () => {
  test("do not keep an answer of another call back", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const big = startCall(connection, "big", {});
    const small = startCall(connection, "small", {});
    const [first, second] = [await peer.frames.take(), await peer.frames.take()];
    const [head, ...pieces] = cut(Kind.RESULT, first.call, result("y".repeat(2_000_000)));
    peer.send(head!, pieces[0]!);
    answer(peer, second, "quick");
    expect(await small.outcome).toBe("quick");
    expect(big.ends).toBe(0);
    peer.send(...pieces.slice(1));
    expect(await big.outcome).toBe("y".repeat(2_000_000));
  });

  test("on their way out let the calls behind them pass", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    startCall(connection, "big", { s: "x".repeat(60_000_000) });
    await peer.frames.take();
    const small = startCall(connection, "small", {});
    const frame = await peer.frames.until(({ kind, flags }) => kind === Kind.EXECUTE && flags === 0);
    expect(peer.frames.all.reduce((sum, { body }) => sum + body.length, 0)).toBeLessThan(20_000_000);
    answer(peer, frame, 1);
    expect(await small.outcome).toBe(1);
  });

  test("over the limit fail their call alone, before memory is set aside", async () => {
    await using pair = await openPeer({ limits: { maxMessageBytes: 300_000, maxBufferBytes: 400_000 } });
    const { connection, peer } = pair;
    const tooLong = startCall(connection, "a", {});
    const tooMuch = startCall(connection, "b", {});
    const fine = startCall(connection, "c", {});
    const [a, b, c] = [await peer.frames.take(), await peer.frames.take(), await peer.frames.take()];
    const huge = cut(Kind.RESULT, a.call, new Uint8Array(600_000))[0]!;
    writeUint32(huge.body, 0, 0xffff_fff0);
    peer.send(huge, { kind: Kind.PART, call: a.call, body: new Uint8Array(1000) });
    for (let i = 0; i < 3; i++) peer.send({ kind: Kind.ATTACH, call: b.call, body: new Uint8Array(200_000) });
    answer(peer, b, 1);
    answer(peer, c, "fine");
    expect(await fine.outcome).toBe("fine");
    expect(await tooLong.error()).toMatchObject({ _tag: "PayloadTooLarge", limit: 300_000, option: "maxMessageBytes" });
    expect(await tooMuch.error()).toMatchObject({ _tag: "PayloadTooLarge", limit: 400_000, option: "maxBufferBytes" });
    const cancels = [await peer.frames.take(), await peer.frames.take()];
    expect(cancels.map(({ kind, call }) => [kind, call])).toEqual([
      [Kind.CANCEL, a.call],
      [Kind.CANCEL, b.call],
    ]);
  });
});

async function* from<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

describe("an input stream", () => {
  test("sends what is ready together in one message, then its end and the end of the call's messages", async () => {
    await using pair = await openPeer();
    const call = startCall(pair.connection, "total", { numbers: from([1, 2, 3]) });
    const open = await pair.peer.frames.take();
    expect(open.kind).toBe(Kind.EXECUTE_STREAM);
    const message = await pair.peer.frames.take();
    expect(message).toMatchObject({ kind: Kind.MESSAGE, prefix: 1, aux: 3, call: open.call });
    const { input } = read(ExecuteToolStreamRequestSchema, message);
    expect(input).toMatchObject({ stream: 1, end: true });
    expect(input?.items.map((item) => decode(item))).toEqual([1, 2, 3]);
    expect((await pair.peer.frames.take()).kind).toBe(Kind.END);
    answer(pair.peer, open, 6);
    expect(await call.outcome).toBe(6);
  });

  test("sends a slow source's items as they come", async () => {
    await using pair = await openPeer();
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const last = Promise.withResolvers<void>();
    const source = async function* () {
      for (const [i, gate] of gates.entries()) {
        await gate.promise;
        yield i;
      }
      await last.promise;
    };
    startCall(pair.connection, "total", { numbers: source() });
    await pair.peer.frames.take();
    for (const [i, gate] of gates.entries()) {
      gate.resolve();
      const { input } = read(ExecuteToolStreamRequestSchema, await pair.peer.frames.take());
      expect(input?.items.map((item) => decode(item))).toEqual([i]);
    }
    last.resolve();
    expect(read(ExecuteToolStreamRequestSchema, await pair.peer.frames.take()).input).toMatchObject({ end: true, items: [] });
  });

  test("stops at the end of its credit, each stream at its own, and goes on when there is more", async () => {
    await using pair = await openPeer({ peerLimits: { streamWindowBytes: 5000 } });
    const { connection, peer } = pair;
    const taken = [0, 0];
    const source = async function* (index: number) {
      for (;;) yield taken[index]!++;
    };
    const call = startCall(connection, "zip", { a: source(0), b: source(1) });
    const { call: id } = await peer.frames.take();
    const counts = [0, 0];
    while (counts[0]! + counts[1]! < 10) {
      const frame = await peer.frames.take();
      counts[frame.prefix - 1]! += frame.aux;
    }
    const other = startCall(connection, "other", {});
    answer(peer, await peer.frames.take(), "fine");
    expect(await other.outcome).toBe("fine");
    // Five items of 1,024 bytes use up 5,000.
    expect(counts).toEqual([5, 5]);
    expect(taken).toEqual([5, 5]);
    peer.send({ kind: Kind.CREDIT, call: id, prefix: 2, aux: 3000 });
    const more = await peer.frames.take();
    expect(more).toMatchObject({ kind: Kind.MESSAGE, prefix: 2, aux: 3 });
    expect(taken[0]).toBe(5);
    connection.cancel(call);
  });

  test("sends large items and arrays each by itself, in order with the others", async () => {
    await using pair = await openPeer();
    const { peer } = pair;
    const array = new Float64Array(10_000).fill(0.5);
    startCall(pair.connection, "t", { s: from([1, "x".repeat(400_000), array, 2]) }, true);
    await peer.frames.take();
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.MESSAGE, aux: 1 });
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.MESSAGE, flags: Flag.CUT, aux: 1 });
    expect((await peer.frames.take()).kind).toBe(Kind.PART);
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.ATTACH, body: { length: 80_000 } });
    expect(read(ExecuteToolStreamRequestSchema, await peer.frames.take()).input).toMatchObject({
      buffers: [{ dtype: "f8", location: { case: "attached", value: 0 } }],
    });
    expect(read(ExecuteToolStreamRequestSchema, await peer.frames.take()).input).toMatchObject({ end: true, items: [Uint8Array.of(2)] });
  });

  test("that throws sends its items and its error; the call fails with the original error as cause", async () => {
    await using pair = await openPeer();
    const { peer } = pair;
    const cause = new RangeError("source broke");
    const source = async function* () {
      yield 1;
      throw cause;
    };
    const call = startCall(pair.connection, "total", { numbers: source() });
    const { call: id } = await peer.frames.take();
    expect(read(ExecuteToolStreamRequestSchema, await peer.frames.take()).input?.items).toEqual([Uint8Array.of(1)]);
    const { input } = read(ExecuteToolStreamRequestSchema, await peer.frames.take());
    expect(input).toMatchObject({
      stream: 1,
      error: { tag: "InputError", fields: { tool: "total", argument: "numbers", detail: "source broke" } },
    });
    const details = [{ typeUrl: `type.googleapis.com/${ErrorDetailSchema.typeName}`, value: body(ErrorDetailSchema, input!.error!) }];
    peer.send({ kind: Kind.ERROR, call: id, aux: 10, body: body(CallErrorSchema, { details }) });
    const error = await call.error();
    expect(error).toBeInstanceOf(InputFailed);
    expect(error.cause).toBe(cause);
  });

  test("with an item that cannot travel fails with the place in it", async () => {
    await using pair = await openPeer();
    startCall(pair.connection, "total", { numbers: from([{ deep: [() => 1] }]) });
    await pair.peer.frames.take();
    const { input } = read(ExecuteToolStreamRequestSchema, await pair.peer.frames.take());
    expect(input?.error).toMatchObject({ tag: "InputError", cause: { tag: "UnsupportedValue", fields: { path: "$.deep[0]" } } });
  });

  test("is left when the call ends, is cancelled, or the connection closes", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const left = { ended: Promise.withResolvers<void>(), cancelled: Promise.withResolvers<void>(), closed: Promise.withResolvers<void>() };
    const source = (gone: () => void): AsyncIterable<number> => ({
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: () => {
          gone();
          return Promise.reject(new Error("ignored"));
        },
      }),
    });
    const ended = startCall(connection, "a", { s: source(left.ended.resolve) });
    const cancelled = startCall(connection, "b", { s: source(left.cancelled.resolve) });
    const closed = startCall(connection, "c", { s: source(left.closed.resolve) });
    answer(peer, await peer.frames.take(), 1);
    await Promise.all([ended.outcome, left.ended.promise]);
    connection.cancel(cancelled);
    await left.cancelled.promise;
    connection.close();
    await left.closed.promise;
    expect((await pair.closing).failed).toEqual([closed]);
  });
});

describe("a call of the worker's", () => {
  const id = 0x8000_0005;
  const open = (method: string, message: Uint8Array): Partial<Frame> & { kind: number } => {
    const head = body(CallHeadSchema, { method: `/snakepit.v1.HostService/${method}` });
    return { kind: Kind.OPEN, call: id, prefix: head.length, body: new Uint8Array(Buffer.concat([head, message])) };
  };
  const buffers = [{ dtype: "bytes", location: { case: "attached", value: 0 } as const }];

  test("is answered by the host's handlers, with the buffers that came before it", async () => {
    await using pair = await openPeer({
      handlers: {
        callTool: ({ tool, buffers }) => ({ result: new TextEncoder().encode(`${tool} ${buffers[0]?.location.value?.toString()}`) }),
      },
    });
    pair.peer.send(
      { kind: Kind.ATTACH, call: id, body: Uint8Array.of(1, 2, 3) },
      open("CallTool", body(CallToolRequestSchema, { tool: "t", buffers })),
    );
    const frame = await pair.peer.frames.take();
    expect(frame).toMatchObject({ kind: Kind.RESULT, call: id });
    expect(new TextDecoder().decode(read(CallToolResponseSchema, frame).result)).toBe("t 1,2,3");
    pair.peer.send(open("NoSuchMethod", new Uint8Array(0)));
    expect(await pair.peer.frames.take()).toMatchObject({ kind: Kind.ERROR, call: id, aux: 12 });
  });

  test("that its handler answers at once is answered before the next frame is read", async () => {
    await using pair = await openPeer({ handlers: { pingHost: ({ message }) => ({ message }) } });
    const { connection, peer } = pair;
    const call = startCall(connection, "t", {});
    const { call: tool } = await peer.frames.take();
    call.onResult = () => connection.send(create(HostEventSchema));
    const ping = open("PingHost", body(PingHostRequestSchema, { message: "m" }));
    peer.send(ping, { kind: Kind.RESULT, call: tool, body: result(1) }, ping);
    const kinds = [await peer.frames.take(), await peer.frames.take(), await peer.frames.take()].map(({ kind }) => kind);
    expect(kinds).toEqual([Kind.RESULT, Kind.EVENT, Kind.RESULT]);
  });

  test("tells its handler what it is, and when nobody waits any more", async () => {
    const seen = Promise.withResolvers<HandlerContext>();
    const handlers = {
      pingHost: (_: unknown, context: HandlerContext) => {
        seen.resolve(context);
        return new Promise<never>(() => {});
      },
    };
    await using pair = await openPeer({ handlers });
    pair.peer.send({ ...open("PingHost", new Uint8Array(0)), aux: 60_000 });
    const context = await seen.promise;
    const { service, method, url, timeoutMs, requestHeader, protocolName } = context;
    expect([service.typeName, method.name, url, protocolName]).toEqual([
      "snakepit.v1.HostService",
      "PingHost",
      "snakepit:/snakepit.v1.HostService/PingHost",
      "snakepit",
    ]);
    expect(timeoutMs()).toBeGreaterThan(50_000);
    expect([...requestHeader]).toEqual([]);
    expect(context.signal).toBe(context.signal);
    expect(context.signal.aborted).toBe(false);
    const aborted = new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    pair.peer.send({ kind: Kind.CANCEL, call: id });
    await aborted;
    expect(context.signal.reason).toMatchObject({ code: Code.Canceled });
  });

  test("that is over has told its signal, also one that is looked at later", async () => {
    const contexts: HandlerContext[] = [];
    const handlers = {
      pingHost: (_: unknown, context: HandlerContext) => {
        contexts.push(context);
        return contexts.length === 1 ? {} : Promise.resolve({});
      },
    };
    await using pair = await openPeer({ handlers });
    for (const expected of [1, 2]) {
      pair.peer.send({ ...open("PingHost", new Uint8Array(0)), call: id + expected });
      expect(await pair.peer.frames.take()).toMatchObject({ kind: Kind.RESULT });
    }
    expect(contexts.map(({ signal }) => signal.aborted)).toEqual([true, true]);
    expect(contexts[0]?.timeoutMs()).toBeUndefined();
  });

  test("with headers is read as what it is, also after one without", async () => {
    const headers: string[] = [];
    const pingHost = (_: unknown, { requestHeader }: HandlerContext) => {
      headers.push(requestHeader.get("x-a") ?? "none");
      return {};
    };
    await using pair = await openPeer({ handlers: { pingHost } });
    const method = "/snakepit.v1.HostService/PingHost";
    const heads = [{ method }, { method, headers: [{ name: "x-a", values: ["1"] }] }, { method }].map((head) => body(CallHeadSchema, head));
    for (const [i, head] of heads.entries()) {
      pair.peer.send({ kind: Kind.OPEN, call: id + i, prefix: head.length, body: head });
      expect(await pair.peer.frames.take()).toMatchObject({ kind: Kind.RESULT });
    }
    expect(headers).toEqual(["none", "1", "none"]);
  });

  test("whose buffers are over the limit is refused before it opens, and its message dropped", async () => {
    let calls = 0;
    const handlers = {
      callTool: () => {
        calls++;
        return {};
      },
    };
    await using pair = await openPeer({ limits: { maxBufferBytes: 1000 }, handlers });
    const { peer } = pair;
    const request = open("CallTool", body(CallToolRequestSchema, { tool: "t", buffers }));
    peer.send(
      { kind: Kind.ATTACH, call: id, body: new Uint8Array(700) },
      { kind: Kind.ATTACH, call: id, body: new Uint8Array(700) },
      request,
    );
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.ERROR, call: id, aux: 8 });
    peer.send({ kind: Kind.ATTACH, call: id, body: new Uint8Array(700) }, request);
    expect(await peer.frames.take()).toMatchObject({ kind: Kind.RESULT, call: id });
    expect(calls).toBe(1);
  });

  test("that never opens keeps no memory for ever: after many of them the connection is closed", async () => {
    await using pair = await openPeer();
    const attach = Array.from({ length: 2000 }, (_, i) => ({ kind: Kind.ATTACH, call: 0x8000_0001 + i, body: new Uint8Array(10) }));
    pair.peer.send(...attach.slice(0, 1000), { kind: Kind.CANCEL, call: 0x8000_0001 });
    const call = startCall(pair.connection, "t", {});
    answer(pair.peer, await pair.peer.frames.take(), 1);
    expect(await call.outcome).toBe(1);
    pair.peer.send(...attach.slice(1000));
    expect((await pair.closing).reason).toBeInstanceOf(ProtocolError);
  });
});

describe("a closed connection", () => {
  test("hands over every call that was in flight, once, and starts no more", async () => {
    await using pair = await openPeer();
    const calls = [startCall(pair.connection, "a", {}), startCall(pair.connection, "b", {}, true)];
    await pair.peer.frames.take();
    pair.peer.socket.destroy();
    const { reason, failed } = await pair.closing;
    expect(reason._tag).toBe("ConnectionLost");
    expect(failed).toEqual(calls);
    expect(calls.map((call) => [call.ends, call.wireId])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(() => startCall(pair.connection, "c", {})).toThrow("was lost");
    pair.connection.close();
    pair.connection.cancel(calls[0]!);
  });

  test("sends what was said in the same turn", async () => {
    await using pair = await openPeer();
    pair.connection.shutdown(1500);
    pair.connection.close();
    expect(await pair.peer.frames.take()).toMatchObject({ kind: Kind.SHUTDOWN, call: 0, aux: 1500 });
    await pair.peer.closed;
  });
});

describe("a peer that breaks the protocol", () => {
  const faults: [string, (id: number) => (Partial<Frame> & { kind: number })[]][] = [
    ["a Hello after the handshake", () => [{ kind: Kind.HELLO }]],
    ["a piece without a beginning", (call) => [{ kind: Kind.PART, call, body: Uint8Array.of(1) }]],
    ["an Execute frame", (call) => [{ kind: Kind.EXECUTE, call }]],
    ["a Cancel for a call that is not its own", (call) => [{ kind: Kind.CANCEL, call }]],
    ["a cut message without its length", (call) => [{ kind: Kind.RESULT, flags: Flag.CUT, call, body: Uint8Array.of(1) }]],
    [
      "a frame between the pieces of its call",
      (call) => [cut(Kind.RESULT, call, new Uint8Array(300_000))[0]!, { kind: Kind.RESULT, call }],
    ],
    [
      "more than it announced",
      (call) => [cut(Kind.RESULT, call, new Uint8Array(300_000))[0]!, { kind: Kind.PART, call, body: new Uint8Array(200_000) }],
    ],
    ["a prefix longer than the frame", (call) => [{ kind: Kind.RESULT, call, prefix: 9, body: Uint8Array.of(1) }]],
    ["a stream for a call that does not stream", (call) => [{ kind: Kind.MESSAGE, call, aux: 1, body: items(1) }]],
    ["an Open frame without its head", () => [{ kind: Kind.OPEN, call: 0x8000_0001, prefix: 2, body: Uint8Array.of(255, 255) }]],
    ["an event that is none", () => [{ kind: Kind.EVENT, body: Uint8Array.of(255) }]],
  ];

  test.each(faults)("by %s loses the connection with a ProtocolError", async (_, frames) => {
    await using pair = await openPeer();
    await using other = await openPeer();
    const call = startCall(pair.connection, "t", {});
    const { call: id } = await pair.peer.frames.take();
    pair.peer.send(...frames(id));
    const { reason, failed } = await pair.closing;
    expect(reason).toBeInstanceOf(ProtocolError);
    expect(failed).toEqual([call]);
    await pair.peer.closed;
    const beside = startCall(other.connection, "t", {});
    answer(other.peer, await other.peer.frames.take(), "undisturbed");
    expect(await beside.outcome).toBe("undisturbed");
  });

  test.each([
    ["a single result for a call that streams", { kind: Kind.RESULT }],
    ["a message of a stream without items", { kind: Kind.MESSAGE, aux: 1 }],
  ])("by %s loses the connection with a ProtocolError", async (_, frame) => {
    await using pair = await openPeer();
    const call = startCall(pair.connection, "t", {}, true);
    const { call: id } = await pair.peer.frames.take();
    pair.peer.send({ ...frame, call: id });
    const { reason, failed } = await pair.closing;
    expect(reason).toBeInstanceOf(ProtocolError);
    expect(failed).toEqual([call]);
  });

  test("by an answer that cannot be read fails that call alone", async () => {
    await using pair = await openPeer();
    const { connection, peer } = pair;
    const calls = [startCall(connection, "a", {}), startCall(connection, "b", {}, true), startCall(connection, "c", {})];
    const frames: Frame[] = [];
    while (frames.length < 3) frames.push(await peer.frames.take());
    peer.send(
      { kind: Kind.RESULT, call: frames[0]!.call, body: Uint8Array.of(10, 1, 0xc1) },
      { kind: Kind.MESSAGE, call: frames[1]!.call, aux: 1, body: Uint8Array.of(255, 255) },
    );
    answer(peer, frames[2]!, "fine");
    expect(await calls[2]!.outcome).toBe("fine");
    expect(await calls[0]!.error()).toBeInstanceOf(ProtocolError);
    expect(await calls[1]!.error()).toBeInstanceOf(ProtocolError);
  });

  test("by bytes changed anywhere disturbs nothing but this connection", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }), async (changes) => {
        await using pair = await openPeer({ limits: { maxMessageBytes: 1_000_000 } });
        const { connection, peer } = pair;
        const calls = [startCall(connection, "a", {}), startCall(connection, "b", {}, true)];
        const [a, b] = [await peer.frames.take(), await peer.frames.take()];
        const bytes = Buffer.concat([
          frameBytes({ kind: Kind.RESULT, call: a.call, body: result({ x: [1, 2, "three"] }) }),
          frameBytes({ kind: Kind.ATTACH, call: b.call, body: new Uint8Array(50) }),
          frameBytes({ kind: Kind.MESSAGE, call: b.call, aux: 2, body: items(1, "two") }),
          frameBytes({ kind: Kind.END, call: b.call }),
          frameBytes({ kind: Kind.SHUTDOWN }),
        ]);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        peer.socket.end(bytes);
        const { reason, failed } = await pair.closing;
        expect(["ProtocolError", "ConnectionLost"]).toContain(reason._tag);
        for (const call of calls) expect(call.ends).toBe(failed.includes(call) ? 0 : 1);
      }),
      { numRuns: 60 },
    );
  });
});
