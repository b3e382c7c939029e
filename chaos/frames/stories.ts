/** What a host says to a worker when nobody breaks it: short stories of right frames. */
import { create, toBinary } from "@bufbuild/protobuf";
import { Flag, HEADER_BYTES, Kind, MAX_BODY_BYTES, writeUint32 } from "../../src/carrier/frame.ts";
import { frameBytes, body as messageBody } from "../../src/carrier/testing-peer.ts";
import { CallHeadSchema, HostEventSchema } from "../../src/gen/snakepit/v1/frame_pb.ts";
import { BufferSchema } from "../../src/gen/snakepit/v1/value_pb.ts";
import {
  CleanupSessionRequestSchema,
  ExecuteToolRequestSchema,
  ExecuteToolStreamRequestSchema,
  InitializeSessionRequestSchema,
  PingRequestSchema,
} from "../../src/gen/snakepit/v1/worker_pb.ts";
import { Encoder } from "../../src/value/index.ts";

/** Frames of one call, in order, each as bytes. */
export type Story = readonly Uint8Array[];

const encoder = new Encoder();
const pack = (value: unknown): Uint8Array => encoder.encode(value).slice();
const service = "/snakepit.v1.WorkerService/";
const CHANNEL_BIT = 0x4000_0000;

/** A call by its short frame. */
function execute(
  kind: number,
  call: number,
  tool: string,
  args: Uint8Array,
  more: { session?: string; buffers?: Uint8Array; timeoutMs?: number } = {},
) {
  const session = more.session ?? "";
  const constant = toBinary(ExecuteToolRequestSchema, create(ExecuteToolRequestSchema, { sessionId: session, tool })).length + 1;
  const buffers =
    more.buffers === undefined ? [] : [create(BufferSchema, { dtype: "bytes", location: { case: "inline", value: more.buffers } })];
  const fields = { sessionId: session, tool, args, buffers };
  const body = kind === Kind.EXECUTE ? messageBody(ExecuteToolRequestSchema, fields) : messageBody(ExecuteToolStreamRequestSchema, fields);
  return frameBytes({ kind, call, prefix: constant, aux: more.timeoutMs ?? 0, body });
}

/** A method by name. `call` is told from the calls of tools by its mark. */
function open(call: number, method: string, request: Uint8Array, flags = 0): Uint8Array {
  const head = messageBody(CallHeadSchema, { method: service + method, headers: [{ name: "x-chaos", values: ["1"] }] });
  return frameBytes({ kind: Kind.OPEN, flags, prefix: head.length, call: call | CHANNEL_BIT, aux: 5_000, body: join([head, request]) });
}

/** A message that is too long for one frame, in two. */
function cut(call: number): Uint8Array[] {
  const fields = { tool: "echo", args: pack({ value: "x".repeat(MAX_BODY_BYTES) }) };
  const whole = messageBody(ExecuteToolRequestSchema, fields);
  const at = MAX_BODY_BYTES - 4;
  const first = new Uint8Array(MAX_BODY_BYTES);
  writeUint32(first, 0, whole.length);
  first.set(whole.subarray(0, at), 4);
  return [
    frameBytes({ kind: Kind.EXECUTE, flags: Flag.CUT, call, body: first }),
    frameBytes({ kind: Kind.PART, call, body: whole.subarray(at) }),
  ];
}

const input = (stream: number, items: readonly unknown[], end: boolean): Uint8Array =>
  messageBody(ExecuteToolStreamRequestSchema, { input: { stream, items: items.map(pack), end } });

/** Every kind of frame that a host may send, in right order. Ids of calls start at `call`, of which each story takes at most two. */
export const stories: readonly ((call: number) => Story)[] = [
  (call) => [execute(Kind.EXECUTE, call, "echo", pack({ value: [1, "two", null, 3.5, { four: [true] }] }))],
  (call) => [execute(Kind.EXECUTE, call, "echo_later", pack({ value: "later" }), { timeoutMs: 2_000 })],
  (call) => [execute(Kind.EXECUTE, call, "echo", pack({ value: 1 }), { session: "s" }), frameBytes({ kind: Kind.CANCEL, call })],
  (call) => [execute(Kind.EXECUTE, call, "echo", EXTENSION, { buffers: new Uint8Array(32).fill(7) })],
  (call) => [frameBytes({ kind: Kind.ATTACH, call, body: new Uint8Array(40) }), attachedCall(call)],
  cut,
  (call) => [
    execute(Kind.EXECUTE_STREAM, call, "count", pack({ key: 1, stop: 5 })),
    frameBytes({ kind: Kind.END, call }),
    frameBytes({ kind: Kind.CREDIT, call, aux: 4_096 }),
  ],
  (call) => [
    execute(Kind.EXECUTE_STREAM, call, "total", INPUT),
    frameBytes({ kind: Kind.MESSAGE, call, aux: 3, body: input(1, [1, 2, 3], false) }),
    frameBytes({ kind: Kind.MESSAGE, call, aux: 1, body: input(1, [4], true) }),
    frameBytes({ kind: Kind.END, call }),
  ],
  (call) => [open(call, "Ping", messageBody(PingRequestSchema, { message: "hello" }))],
  (call) => [open(call, "Health", new Uint8Array(0)), frameBytes({ kind: Kind.CANCEL, call: call | CHANNEL_BIT })],
  (call) => [open(call, "ListTools", new Uint8Array(0)), open(call + 1, "Nothing", new Uint8Array(3))],
  (call) => [
    open(call, "InitializeSession", messageBody(InitializeSessionRequestSchema, { sessionId: "s", metadata: { a: "b" } })),
    open(call + 1, "CleanupSession", messageBody(CleanupSessionRequestSchema, { sessionId: "s" })),
  ],
  (call) => [
    open(call, "ExecuteToolStream", new Uint8Array(0), Flag.STREAM),
    frameBytes({
      kind: Kind.MESSAGE,
      call: call | CHANNEL_BIT,
      aux: 1,
      body: messageBody(ExecuteToolStreamRequestSchema, { tool: "count", args: pack({ key: 1, stop: 3 }) }),
    }),
    frameBytes({ kind: Kind.END, call: call | CHANNEL_BIT }),
  ],
  () => [
    frameBytes({
      kind: Kind.EVENT,
      body: messageBody(HostEventSchema, { event: { case: "objectsReleased", value: { sessionId: "s", keys: ["k"] } } }),
    }),
  ],
  () => [
    frameBytes({
      kind: Kind.EVENT,
      body: messageBody(HostEventSchema, {
        event: { case: "variablesChanged", value: { sessionId: "s", variables: [{ id: "var_a_1", name: "a", version: 3n }] } },
      }),
    }),
  ],
];

/** `{ value: <buffer 0> }` and `{ numbers: <input stream 1> }`, which the encoder writes only with what stands beside them. */
const EXTENSION = Uint8Array.of(0x81, 0xa5, ...Buffer.from("value"), 0xd4, 1, 0);
const INPUT = Uint8Array.of(0x81, 0xa7, ...Buffer.from("numbers"), 0xd4, 3, 1);

function attachedCall(call: number): Uint8Array {
  const buffers = [create(BufferSchema, { dtype: "bytes", location: { case: "attached", value: 0 } })];
  const fields = { tool: "echo", args: EXTENSION, buffers };
  return frameBytes({ kind: Kind.EXECUTE, call, body: messageBody(ExecuteToolRequestSchema, fields) });
}

/** A question that any worker answers at once, whatever else it does. */
export const ping = (call: number, message: string): Uint8Array => open(call, "Ping", messageBody(PingRequestSchema, { message }));

/** The id under which {@link ping} is answered. */
export const pingId = (call: number): number => (call | CHANNEL_BIT) >>> 0;

/** All in one. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Where a story may be cut: at every byte, but within very long bodies only near their ends. */
export function places(bytes: Uint8Array, stride: number): number[] {
  const near = 200;
  const long = bytes.length > 10 * near;
  const all = Array.from({ length: bytes.length }, (_, at) => at).filter(
    (at) => !long || at < near || at >= bytes.length - near || Math.abs(at - (MAX_BODY_BYTES + HEADER_BYTES)) < near,
  );
  return all.filter((_, n) => n % stride === 0);
}
