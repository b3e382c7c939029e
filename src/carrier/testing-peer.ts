/** For tests: a worker written in TypeScript, on a real Unix socket, that does what the test says, also what no right worker does. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMessage, fromBinary, type MessageInitShape, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { SnakepitError } from "../errors/index.ts";
import { HostHello_Role, HostHelloSchema, type Log, WorkerHelloSchema } from "../gen/snakepit/v1/frame_pb.ts";
import type { CarriedCall, HostFunction, Progress } from "../tool/call.ts";
import { type ObjectPlace, ObjectRef } from "../value/object-ref.ts";
import type { CarrierLimits, Connection } from "./carrier.ts";
import { copyBytes, FrameReader, HEADER_BYTES, Kind, PROTOCOL_VERSION, writeHeader } from "./frame.ts";
import type { HostHandlers } from "./host-handlers.ts";
import { DEFAULT_LIMITS } from "./link.ts";
import { dialWorker } from "./local/dial.ts";

/** A frame as it came. */
export interface Frame {
  readonly kind: number;
  readonly flags: number;
  readonly prefix: number;
  readonly call: number;
  readonly aux: number;
  readonly body: Uint8Array;
}

/** One frame as bytes. */
export function frameBytes(frame: Partial<Frame> & { readonly kind: number }): Uint8Array {
  const { kind, flags = 0, prefix = 0, call = 0, aux = 0, body = new Uint8Array(0) } = frame;
  const bytes = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(bytes, 0, body.length, kind, flags, prefix, call, aux);
  bytes.set(body, HEADER_BYTES);
  return bytes;
}

/** A message as bytes. */
export function body<D extends DescMessage>(desc: D, init: MessageInitShape<D>): Uint8Array {
  return toBinary(desc, create(desc, init));
}

/** A queue whose reader waits for what is put in. */
export class Mailbox<T> {
  readonly all: T[] = [];
  private next = 0;
  private waiting: ((item: T) => void)[] = [];

  put(item: T): void {
    this.all.push(item);
    const waiting = this.waiting.shift();
    if (waiting === undefined) return;
    this.next++;
    waiting(item);
  }

  take(): Promise<T> {
    if (this.next < this.all.length) return Promise.resolve(this.all[this.next++]!);
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  /** Takes until one fits. */
  async until(fits: (item: T) => boolean): Promise<T> {
    for (;;) {
      const item = await this.take();
      if (fits(item)) return item;
    }
  }
}

/** The worker's side of a data connection. */
export class Peer {
  readonly frames = new Mailbox<Frame>();
  readonly socket: Socket;
  readonly closed: Promise<void>;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    const reader = new FrameReader({
      frame: (bytes, kind, flags, prefix, call, aux, start, end) =>
        this.frames.put({ kind, flags, prefix, call, aux, body: copyBytes(bytes, start, end) }),
    });
    socket.on("data", (data: Buffer) => reader.read(data, data.length));
    socket.on("error", () => {});
  }

  send(...frames: (Partial<Frame> & { readonly kind: number })[]): void {
    this.socket.write(Buffer.concat(frames.map(frameBytes)));
  }
}

/** How {@link openPeer} opens. */
export interface PeerOptions {
  /** What the host accepts. */
  readonly limits?: Partial<CarrierLimits>;
  /** What the worker accepts. */
  readonly peerLimits?: Partial<CarrierLimits>;
  readonly handlers?: HostHandlers;
}

/** A connection and the worker behind it. */
export interface Pair {
  readonly connection: Connection;
  readonly peer: Peer;
  readonly logs: Log[];
  readonly closing: Promise<{ readonly reason: SnakepitError; readonly failed: readonly CarriedCall[] }>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Listens in a folder of its own and takes connections. */
export async function listen(onConnection: (socket: Socket) => void): Promise<{ readonly path: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "peer-"));
  const path = join(folder, "s");
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

/** A host's connection to a worker that has said hello and now waits for the test. */
export async function openPeer(options: PeerOptions = {}): Promise<Pair> {
  let found = (_: Peer): void => {};
  const data = new Promise<Peer>((resolve) => {
    found = resolve;
  });
  const server = await listen(async (socket) => {
    const peer = new Peer(socket);
    const first = await peer.frames.take();
    if (fromBinary(HostHelloSchema, first.body).role === HostHello_Role.DATA) found(peer);
  });
  const logs: Log[] = [];
  let close = (_: Awaited<Pair["closing"]>): void => {};
  const closing: Pair["closing"] = new Promise((resolve) => {
    close = resolve;
  });
  const limits = { ...DEFAULT_LIMITS, ...options.peerLimits };
  const dialled = dialWorker(
    { socketPath: server.path, token: "00ff", workerId: "w", pool: "p", tools: ["./tools.py"], threads: 1, graceMs: 100 },
    {
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      handlers: options.handlers ?? {},
      events: { onLog: (log) => logs.push(log), onGoing() {}, onClose: (reason, failed) => close({ reason, failed }) },
    },
  );
  const peer = await data;
  const hello = {
    protocol: PROTOCOL_VERSION,
    workerId: "w",
    limits: {
      maxMessageBytes: BigInt(limits.maxMessageBytes),
      maxBufferBytes: BigInt(limits.maxBufferBytes),
      streamWindowBytes: limits.streamWindowBytes,
    },
  };
  peer.send({ kind: Kind.HELLO, body: body(WorkerHelloSchema, hello) });
  const connection = await dialled;
  return {
    connection,
    peer,
    logs,
    closing,
    async [Symbol.asyncDispose]() {
      connection.close();
      await server.close();
    },
  };
}

/** What a call is part of. */
export interface CallOf {
  readonly sessionId?: string;
  readonly depth?: number;
  readonly waiter?: number;
  readonly traceparent?: string;
}

/** A tool call that keeps what it hears. */
export class TestCall implements CarriedCall {
  wireId = 0;
  readonly sessionId: string;
  readonly depth: number;
  readonly waiter: number;
  readonly traceparent: string;
  readonly timeLeftMs = 0;
  /** The functions among its arguments. */
  readonly functions: HostFunction[] = [];
  readonly items: unknown[] = [];
  readonly costs: number[] = [];
  readonly progress: Progress[] = [];
  /** How often it was told that it is over. */
  ends = 0;
  /** What came of it: the result, or the items. Rejects with the error. */
  readonly outcome: Promise<unknown>;
  readonly tool: string;
  readonly args: unknown;
  readonly streaming: boolean;
  private readonly settle = Promise.withResolvers<unknown>();
  private readonly arrivals = new Mailbox<readonly unknown[]>();

  constructor(tool: string, args: unknown, streaming = false, of: CallOf = {}) {
    this.sessionId = of.sessionId ?? "";
    this.depth = of.depth ?? 0;
    this.waiter = of.waiter ?? 0;
    this.traceparent = of.traceparent ?? "";
    this.tool = tool;
    this.args = args;
    this.streaming = streaming;
    this.outcome = this.settle.promise;
    this.outcome.catch(() => {});
  }

  /** The error that it fails with. */
  async error(): Promise<SnakepitError> {
    const error = await this.outcome.then(
      (value) => new Error(`it did not fail but gave ${String(value)}`),
      (error: unknown) => error,
    );
    if (error instanceof SnakepitError) return error;
    throw error;
  }

  /** The next items. */
  arrival(): Promise<readonly unknown[]> {
    return this.arrivals.take();
  }

  hostFunction(fn: HostFunction): number {
    return this.functions.push(fn);
  }

  objectRef(place: ObjectPlace): ObjectRef {
    return new ObjectRef(place, () => {});
  }

  onResult(value: unknown): void {
    this.ends++;
    this.settle.resolve(value);
  }

  onItems(values: readonly unknown[], cost: number): void {
    this.items.push(...values);
    this.costs.push(cost);
    this.arrivals.put(values);
  }

  onEnd(): void {
    this.ends++;
    this.settle.resolve(this.items);
  }

  onError(error: SnakepitError): void {
    this.ends++;
    this.settle.reject(error);
  }

  onProgress(progress: Progress): void {
    this.progress.push(progress);
  }
}

/** Starts a tool call. */
export function startCall(connection: Connection, tool: string, args: unknown, streaming = false, of: CallOf = {}): TestCall {
  const call = new TestCall(tool, args, streaming, of);
  connection.start(call);
  return call;
}

/** Reads a message from the body of a frame. */
export function read<D extends DescMessage>(desc: D, frame: Frame): MessageShape<D> {
  return fromBinary(desc, frame.body.subarray(frame.kind === Kind.MESSAGE || frame.kind === Kind.CREDIT ? 0 : frame.prefix));
}
