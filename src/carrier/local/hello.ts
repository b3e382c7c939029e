/** What the two sides say first. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ProtocolError } from "../../errors/index.ts";
import { HostHello_Role, HostHelloSchema, type Limits, type WorkerHello, WorkerHelloSchema } from "../../gen/snakepit/v1/frame_pb.ts";
import type { CarrierLimits } from "../carrier.ts";
import { copyBytes, HEADER_BYTES, Kind, PROTOCOL_VERSION, writeHeader } from "../frame.ts";
import { DEFAULT_LIMITS } from "../link.ts";

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

/** The frame that a host starts a connection with. */
export function helloFrame(worker: LocalWorker, role: HostHello_Role, limits: CarrierLimits): Uint8Array {
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
        sharedMemoryBytes: BigInt(limits.sharedMemoryBytes ?? 0),
      }),
    }),
  );
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, 0, body.length, Kind.HELLO, 0, 0, 0, 0);
  frame.set(body, HEADER_BYTES);
  return frame;
}

/** The worker's hello in the bytes from `start` to `end`. Throws ProtocolError when there is none. */
export function readHello(bytes: Uint8Array, start: number, end: number): WorkerHello {
  try {
    return fromBinary(WorkerHelloSchema, copyBytes(bytes, start, end));
  } catch (cause) {
    throw new ProtocolError({ reason: "the worker's hello cannot be read" }, { cause });
  }
}

/** What the worker accepts; what it leaves out is as by default. */
export function limitsOf(limits: Limits | undefined): CarrierLimits {
  return {
    maxMessageBytes: Number(limits?.maxMessageBytes ?? 0) || DEFAULT_LIMITS.maxMessageBytes,
    maxBufferBytes: Number(limits?.maxBufferBytes ?? 0) || DEFAULT_LIMITS.maxBufferBytes,
    streamWindowBytes: limits?.streamWindowBytes || DEFAULT_LIMITS.streamWindowBytes,
  };
}
