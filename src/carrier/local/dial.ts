/** How a host reaches a worker that listens on a Unix socket. docs/protocol.md, "Starting", is the contract. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { ConnectionLost, ProtocolError, type SnakepitError } from "../../errors/index.ts";
import { memberFromDetail } from "../../errors/wire.ts";
import { HostHello_Role, HostHelloSchema, type Limits, type WorkerHello, WorkerHelloSchema } from "../../gen/snakepit/v1/frame_pb.ts";
import { connectUnix } from "../../runtime/socket.ts";
import type { SocketEvents, StreamSocket } from "../../runtime/stream-socket.ts";
import type { CarrierLimits, Connection, ConnectionOptions } from "../carrier.ts";
import { WorkerConnection } from "../connection.ts";
import { copyBytes, fault, HEADER_BYTES, Kind, PROTOCOL_VERSION, writeHeader } from "../frame.ts";
import { DEFAULT_LIMITS, Link } from "../link.ts";
import { readEvent } from "../tool-calls.ts";
import { createLinkTransport } from "../transport.ts";

/** Time between two attempts while the worker does not listen yet, in milliseconds. Python takes some 30 ms until it does. */
const RETRY_MS = 3;

/** How long a worker that could not start may go on talking, in milliseconds. */
const LAST_WORDS_MS = 200;

/** Which worker to reach, and what to tell it. */
export interface LocalWorker {
  /** Where it listens. */
  readonly socketPath: string;
  /** The token it was given, as hexadecimal digits. */
  readonly token: string;
  readonly workerId: string;
  readonly pool: string;
  /** Files (absolute paths) and modules (dotted names) with tools. */
  readonly tools: readonly string[];
  /** Threads for synchronous tools. */
  readonly threads: number;
  /** How long a cancelled tool may go on, in milliseconds. */
  readonly graceMs: number;
}

/**
 * Connects to a worker and waits for its hello.
 *
 * Waits for the socket to appear and for the tools to be imported as long as it takes: abort `signal` when the worker has exited or took too long; the promise is then rejected with its
 * reason.
 *
 * Rejects with the worker's own error (WorkerStartFailed) when it could not start, with ProtocolError when it speaks another version, and with
 * ConnectionLost when it closes the connection before its hello.
 */
export async function dialWorker(worker: LocalWorker, options: ConnectionOptions, signal?: AbortSignal): Promise<Connection> {
  const link = new Link(options.limits, worker.workerId);
  const closed = new Promise<SnakepitError>((resolve) => {
    link.onClosed = resolve;
  });
  const hello = new Promise<WorkerHello>((resolve, reject) => {
    link.control = {
      control(bytes, kind, _call, _aux, start, end) {
        if (kind === Kind.EVENT) {
          const event = readEvent(bytes, start, end);
          if (event.case === "log") options.events.onLog(event.value);
        } else if (kind === Kind.HELLO) resolve(readHello(copyBytes(bytes, start, end)));
        else throw fault(`a frame of kind ${kind} before its hello`);
      },
    };
    void closed.then(reject);
  });
  // It may be rejected while the sockets are still being connected.
  hello.catch(() => {});
  let lifeline: StreamSocket | undefined;
  const hangUp = (): void => {
    link.close();
    lifeline?.destroy();
  };
  signal?.addEventListener("abort", hangUp);
  try {
    const data = await connectWhenReady(worker.socketPath, link, signal);
    link.open(data);
    data.write(helloFrame(worker, HostHello_Role.DATA, options.limits));
    lifeline = await connectWhenReady(worker.socketPath, silent, signal);
    lifeline.write(helloFrame(worker, HostHello_Role.LIFELINE, options.limits));
    const said = await hello;
    if (said.failure !== undefined) {
      // What the tools printed until then follows, before the worker closes the connection.
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS))]);
      throw memberFromDetail(said.failure);
    }
    if (said.protocol !== PROTOCOL_VERSION) {
      throw new ProtocolError({ reason: `the host speaks version ${PROTOCOL_VERSION}, the worker version ${said.protocol}` });
    }
    signal?.throwIfAborted();
    link.peer = limitsOf(said.limits);
    return new WorkerConnection(link, said, options, () => lifeline?.destroy());
  } catch (error) {
    hangUp();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", hangUp);
  }
}

/** A transport to whatever answers Connect calls in frames on a Unix socket, and how to close it. */
export interface LocalTransport {
  readonly transport: Transport;
  /** Calls in flight fail with UNAVAILABLE. */
  close(): void;
}

/**
 * Connects a transport to a Unix socket without any handshake: Open frames from the first byte on. For tests and for servers that are no workers; both
 * sides must know the limits, which are the default ones unless given.
 */
export async function connectTransport(
  path: string,
  limits: CarrierLimits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<LocalTransport> {
  const link = new Link(limits, path);
  link.open(await connectWhenReady(path, link, signal));
  return { transport: createLinkTransport(link), close: () => link.close() };
}

const silent: SocketEvents = { onData() {}, onDrain() {}, onClose() {} };

/** Connects as soon as somebody listens. */
async function connectWhenReady(path: string, events: SocketEvents, signal: AbortSignal | undefined): Promise<StreamSocket> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      const socket = await connectUnix(path, events);
      if (signal?.aborted) socket.destroy();
      signal?.throwIfAborted();
      return socket;
    } catch (error) {
      signal?.throwIfAborted();
      if (!isNotListening(error)) throw new ConnectionLost({ worker: path, reason: String(error) }, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** The worker has not made its socket yet, or has not begun to listen on it. */
function isNotListening(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ECONNREFUSED");
}

function helloFrame(worker: LocalWorker, role: HostHello_Role, limits: CarrierLimits): Uint8Array {
  const token = Uint8Array.from(worker.token.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16));
  const { workerId, pool, threads, graceMs } = worker;
  const body = toBinary(
    HostHelloSchema,
    create(HostHelloSchema, {
      protocol: PROTOCOL_VERSION,
      token,
      role,
      ...(role === HostHello_Role.DATA && {
        workerId,
        pool,
        tools: [...worker.tools],
        threads,
        graceMs: Math.ceil(graceMs),
        limits: {
          maxMessageBytes: BigInt(limits.maxMessageBytes),
          maxBufferBytes: BigInt(limits.maxBufferBytes),
          streamWindowBytes: limits.streamWindowBytes,
        },
      }),
    }),
  );
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, 0, body.length, Kind.HELLO, 0, 0, 0, 0);
  frame.set(body, HEADER_BYTES);
  return frame;
}

function readHello(body: Uint8Array): WorkerHello {
  try {
    return fromBinary(WorkerHelloSchema, body);
  } catch (cause) {
    throw new ProtocolError({ reason: "the worker's hello cannot be read" }, { cause });
  }
}

function limitsOf(limits: Limits | undefined): CarrierLimits {
  return {
    maxMessageBytes: Number(limits?.maxMessageBytes ?? 0) || DEFAULT_LIMITS.maxMessageBytes,
    maxBufferBytes: Number(limits?.maxBufferBytes ?? 0) || DEFAULT_LIMITS.maxBufferBytes,
    streamWindowBytes: limits?.streamWindowBytes || DEFAULT_LIMITS.streamWindowBytes,
  };
}
