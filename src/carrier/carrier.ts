/** What every carrier gives: a connection to one worker, over which both sides open calls. */
import type { Transport } from "@connectrpc/connect";
import type { SnakepitError } from "../errors/index.ts";
import type { HostEvent, Log, SpanEnded, WorkerHello } from "../gen/snakepit/v1/frame_pb.ts";
import type { CarriedCall } from "../tool/call.ts";
import type { HostHandlers } from "./host-handlers.ts";

/** What the two sides accept, in bytes. */
export interface CarrierLimits {
  /** Largest message, buffers aside. Default 64 MiB. */
  readonly maxMessageBytes: number;
  /** Largest sum of the buffers of one message. Default 1 GiB. */
  readonly maxBufferBytes: number;
  /** Credit each stream starts with. Default 1 MiB. */
  readonly streamWindowBytes: number;
  /** Most memory that a worker shares. Heeded by carriers whose workers are processes of this machine. Default 0: none. */
  readonly sharedMemoryBytes?: number | undefined;
}

/** An open connection to a worker that has said hello. */
export interface Connection {
  /** What the worker said of itself. */
  readonly hello: WorkerHello;
  /** For generated clients of WorkerService: control calls, and any other program of the user's. */
  readonly transport: Transport;
  /** Tool calls in flight. */
  readonly inFlight: number;
  /**
   * Sends a tool call. Fails by throwing UnsupportedValue or PayloadTooLarge, in which case nothing was sent, or ConnectionLost when the connection is
   * closed. Everything later arrives at the call's own methods.
   */
  start(call: CarriedCall): void;
  /** Cancels a call in flight. The call hears nothing more. Does nothing when it has ended. */
  cancel(call: CarriedCall): void;
  /** Says something without being asked, such as that variables have changed. Does nothing when the connection is closed. */
  send(event: HostEvent): void;
  /** Gives credit back: the program has taken items that cost this much. */
  release(call: CarriedCall, cost: number): void;
  /** Asks the worker to end what runs within `graceMs`, then to exit. */
  shutdown(graceMs: number): void;
  /** Closes both sockets. Calls in flight fail with ConnectionLost. */
  close(): void;
}

/** What the owner of a connection hears. Called in the order things arrive. */
export interface ConnectionEvents {
  /** A line printed or logged by tool code, and the call that it belongs to as long as that runs. */
  onLog(log: Log, call?: CarriedCall): void;
  /** A part of a traced call is over. It may come after the call has ended for the host. */
  onSpan?(span: SpanEnded): void;
  /** The worker is going and takes no more calls. */
  onGoing(): void;
  /** The connection is closed, and `failed` are the calls that were in flight, none of them told. Called once. */
  onClose(reason: SnakepitError, failed: readonly CarriedCall[]): void;
}

/** What a carrier needs in order to open a connection. */
export interface ConnectionOptions {
  readonly limits: CarrierLimits;
  readonly events: ConnectionEvents;
  readonly handlers: HostHandlers;
}
