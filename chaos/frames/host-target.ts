/**
 * The host's side of a connection without a socket: what it would write is dropped, what a worker would say is given to it. Thousands are made and broken a
 * second, each the same for the same seed. Real sockets are in the scenario beside it.
 */
import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { WorkerConnection } from "../../src/carrier/connection.ts";
import { Flag, Kind, MAX_BODY_BYTES, writeUint32 } from "../../src/carrier/frame.ts";
import { Link } from "../../src/carrier/link.ts";
import { body, frameBytes, startCall, type TestCall } from "../../src/carrier/testing-peer.ts";
import { type SnakepitError, ToolFailed } from "../../src/errors/index.ts";
import { toDetail } from "../../src/errors/wire.ts";
import { ErrorDetailSchema } from "../../src/gen/snakepit/v1/error_pb.ts";
import { CallErrorSchema, CallHeadSchema, EventSchema, WorkerHelloSchema } from "../../src/gen/snakepit/v1/frame_pb.ts";
import { PingHostRequestSchema } from "../../src/gen/snakepit/v1/host_pb.ts";
import { BufferSchema } from "../../src/gen/snakepit/v1/value_pb.ts";
import {
  ExecuteToolResponseSchema,
  ExecuteToolStreamResponseSchema,
  PingResponseSchema,
  WorkerService,
} from "../../src/gen/snakepit/v1/worker_pb.ts";
import type { CarriedCall } from "../../src/tool/call.ts";
import { Encoder } from "../../src/value/index.ts";
import { LIMITS } from "./worker-target.ts";

const encoder = new Encoder();
const pack = (value: unknown): Uint8Array => encoder.encode(value).slice();

/** The id of the calls that the worker opens in these stories. */
const WORKERS_CALL = 0x8000_0001;

async function* numbers(): AsyncGenerator<number> {
  yield 1;
  yield 2;
}

/** A host with calls of every kind in flight, and the right answers to them. */
export class HostTarget {
  readonly calls: readonly TestCall[];
  /** How often the call through the transport was answered, in either way. */
  transportEnds = 0;
  /** What ended the connection, and the calls that were with it. */
  closed: { readonly reason: SnakepitError; readonly failed: readonly CarriedCall[] } | undefined;
  closings = 0;
  /** The answers, frame by frame, as a right worker would give them. */
  readonly answers: readonly Uint8Array[];
  readonly #link: Link;
  readonly #connection: WorkerConnection;

  /** @param long Whether one of the answers is too long for one frame. */
  constructor(long: boolean) {
    const link = new Link(LIMITS, "w");
    this.#link = link;
    link.open({
      waiting: 0,
      write: () => true,
      cork() {},
      uncork() {},
      destroy() {},
    });
    this.#connection = new WorkerConnection(link, create(WorkerHelloSchema), {
      limits: LIMITS,
      handlers: { pingHost: ({ message }) => ({ message }) },
      events: {
        onLog() {},
        onGoing() {},
        onClose: (reason, failed) => {
          this.closings++;
          this.closed = { reason, failed };
        },
      },
    });
    const plain = startCall(this.#connection, "echo", { value: 1 });
    const large = startCall(this.#connection, "echo", { value: 2 });
    const failing = startCall(this.#connection, "echo", { value: 3 });
    const stream = startCall(this.#connection, "count", {}, true);
    const input = startCall(this.#connection, "total", { numbers: numbers() });
    const cut = startCall(this.#connection, "echo", { value: 4 });
    this.calls = [plain, large, failing, stream, input, cut];
    const ended = (): void => {
      this.transportEnds++;
    };
    createClient(WorkerService, this.#connection.transport).ping({ message: "hello" }).then(ended, ended);
    link.writer.flush();
    // Ids count up from 1, under the mark of calls through the transport.
    const pingId = 0x4000_0001;
    const failure = toDetail(new ToolFailed({ tool: "echo", type: "ValueError", detail: "no", traceback: "", causes: [] }));
    const error = body(CallErrorSchema, {
      message: "no",
      details: [{ typeUrl: "type.googleapis.com/snakepit.v1.ErrorDetail", value: body(ErrorDetailSchema, failure) }],
    });
    const attachedBuffer = create(BufferSchema, { dtype: "f8", shape: [2n, 2n], location: { case: "attached", value: 0 } });
    const head = body(CallHeadSchema, { method: "/snakepit.v1.HostService/PingHost" });
    const request = body(PingHostRequestSchema, { message: "hello" });
    const open = new Uint8Array(head.length + request.length);
    open.set(head);
    open.set(request, head.length);
    const items = (...values: unknown[]): Uint8Array => body(ExecuteToolStreamResponseSchema, { items: values.map(pack) });
    this.answers = [
      frameBytes({
        kind: Kind.EVENT,
        body: body(EventSchema, { event: { case: "log", value: { level: 20, source: "stdout", text: "line" } } }),
      }),
      frameBytes({
        kind: Kind.EVENT,
        call: plain.wireId,
        body: body(EventSchema, { event: { case: "progress", value: { fraction: 0.5, message: "half" } } }),
      }),
      frameBytes({
        kind: Kind.RESULT,
        call: plain.wireId,
        aux: 12,
        body: body(ExecuteToolResponseSchema, { result: pack({ a: [1, 2n ** 70n, "x"] }) }),
      }),
      frameBytes({ kind: Kind.ATTACH, call: large.wireId, body: new Uint8Array(32) }),
      frameBytes({
        kind: Kind.RESULT,
        call: large.wireId,
        body: body(ExecuteToolResponseSchema, { result: Uint8Array.of(0xd4, 1, 0), buffers: [attachedBuffer] }),
      }),
      frameBytes({ kind: Kind.ERROR, call: failing.wireId, aux: 2, body: error }),
      frameBytes({ kind: Kind.MESSAGE, call: stream.wireId, aux: 2, body: items(1, "two") }),
      frameBytes({ kind: Kind.CREDIT, call: input.wireId, prefix: 1, aux: 4_096 }),
      frameBytes({ kind: Kind.OPEN, call: WORKERS_CALL, prefix: head.length, aux: 1_000, body: open }),
      frameBytes({ kind: Kind.MESSAGE, call: stream.wireId, aux: 1, body: items({ three: 3 }) }),
      frameBytes({ kind: Kind.MESSAGE, call: input.wireId, aux: 1, body: items(3) }),
      frameBytes({ kind: Kind.RESULT, call: pingId, body: body(PingResponseSchema, { message: "hello" }) }),
      ...(long ? HostTarget.#cut(cut.wireId) : [frameBytes({ kind: Kind.RESULT, call: cut.wireId, body: SHORT })]),
      frameBytes({ kind: Kind.END, call: stream.wireId }),
      frameBytes({ kind: Kind.END, call: input.wireId }),
    ];
  }

  static #cut(call: number): Uint8Array[] {
    const whole = body(ExecuteToolResponseSchema, { result: LONG });
    const at = MAX_BODY_BYTES - 4;
    const first = new Uint8Array(MAX_BODY_BYTES);
    writeUint32(first, 0, whole.length);
    first.set(whole.subarray(0, at), 4);
    return [
      frameBytes({ kind: Kind.RESULT, flags: Flag.CUT, call, body: first }),
      frameBytes({ kind: Kind.PART, call, body: whole.subarray(at) }),
    ];
  }

  /** Whether the connection is still there. */
  get open(): boolean {
    return this.closed === undefined;
  }

  /** Gives it these bytes, as one read of the socket or in two. */
  hear(bytes: Uint8Array, at = bytes.length): void {
    this.#link.onData(bytes.slice(0, at), at);
    if (at < bytes.length) this.#link.onData(bytes.slice(at), bytes.length - at);
  }

  /** Asks one more thing and answers it right. What it got, or undefined when it got nothing. */
  probe(): unknown {
    const call = startCall(this.#connection, "echo", { value: "probe" });
    let got: unknown;
    call.onResult = (value) => {
      got = value;
    };
    this.hear(frameBytes({ kind: Kind.RESULT, call: call.wireId, body: body(ExecuteToolResponseSchema, { result: pack("probe") }) }));
    return got;
  }

  /** The socket is gone. */
  hangUp(): void {
    this.#link.onClose(undefined);
  }

  /** Calls that did not end exactly once, counting those that were given back when the connection closed. */
  get unsettled(): string[] {
    const failed = this.closed?.failed ?? [];
    return this.calls.flatMap((call, n) => {
      const ends = call.ends + failed.filter((other) => other === call).length;
      return ends === 1 ? [] : [`call ${n} ended ${ends} times`];
    });
  }
}

const SHORT = body(ExecuteToolResponseSchema, { result: pack("short") });
const LONG = pack("x".repeat(MAX_BODY_BYTES));
