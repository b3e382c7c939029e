/**
 * One connection between two sides that both open calls: a socket, its writer and reader, and who takes which call's messages.
 *
 * It is the same on both sides; what differs is who stands behind the ids.
 */
import { ConnectionLost, type PayloadTooLarge, ProtocolError, type SnakepitError, UnsupportedValue } from "../errors/index.ts";
import type { SocketEvents, StreamSocket } from "../runtime/socket.ts";
import { Assembler, type MessageSink } from "./assembler.ts";
import type { CarrierLimits } from "./carrier.ts";
import { Flag, FrameReader, type FrameSink, fault, Kind } from "./frame.ts";
import type { SharedMemory } from "./memory/shared-memory.ts";
import { FrameWriter } from "./writer.ts";

/** Marks of the ids, above the 30 bits that count. */
export const Mark = {
  /** Tool calls of the host, by the short frames. */
  TOOL: 0,
  /** Calls of the host through its transport. */
  HOST: 0x4000_0000,
  /** Calls of the worker. */
  WORKER: 0x8000_0000,
} as const;

/** Takes the messages of some calls. */
export interface CallSink extends Omit<MessageSink, "mayOpen" | "tooLarge"> {
  /** Fails a call of which a message cannot be had: it is too large, or its memory was gone before all of it was sent. */
  breakOff(call: number, error: SnakepitError): void;
  /** The connection is closed: every call has failed. */
  closed(reason: SnakepitError): void;
}

/** Takes what belongs to no call, and events. */
export interface ControlSink {
  control(bytes: Uint8Array, kind: number, call: number, aux: number, start: number, end: number): void;
}

/** Sizes that hold where nobody says otherwise. */
export const DEFAULT_LIMITS: CarrierLimits = {
  maxMessageBytes: 64 * 1024 * 1024,
  maxBufferBytes: 1024 * 1024 * 1024,
  streamWindowBytes: 1024 * 1024,
};

const refuseAll: CallSink = {
  message(_bytes, kind, _flags, _prefix, call) {
    if (kind !== Kind.CANCEL) throw fault(`a frame of kind ${kind} for the unknown call ${call}`);
  },
  isOpen: () => false,
  breakOff() {},
  closed() {},
};

/** A connection. Make it first, then connect the socket with it as its events, then give it the socket with {@link Link.open}. */
export class Link implements FrameSink, MessageSink, SocketEvents {
  /** What this side accepts. */
  readonly limits: CarrierLimits;
  /** What the other side accepts. Set by the handshake. */
  peer: CarrierLimits = DEFAULT_LIMITS;
  /** The memory that the worker shares, when it does. */
  memory: SharedMemory | undefined;
  /** Who takes the messages of tool calls, of the host's other calls and of the worker's calls. */
  tools: CallSink = refuseAll;
  host: CallSink = refuseAll;
  worker: CallSink = refuseAll;
  control: ControlSink = {
    control(_bytes, kind) {
      throw fault(`a frame of kind ${kind} that belongs to no call`);
    },
  };
  /** Called once, when the connection is closed and the calls have heard of it. */
  onClosed: (reason: SnakepitError) => void = () => {};
  /** Why it is closed; undefined while it is open. */
  reason: SnakepitError | undefined;
  private readonly workerId: string;
  private readonly mayOpenMark: number;
  private readonly reader = new FrameReader(this);
  private readonly assembler: Assembler;
  private socket: StreamSocket | undefined;
  private out: FrameWriter | undefined;

  /**
   * @param workerId For messages.
   * @param peerMark The mark of the calls that the other side opens.
   */
  constructor(limits: CarrierLimits, workerId: string, peerMark: number = Mark.WORKER) {
    this.limits = limits;
    this.workerId = workerId;
    this.mayOpenMark = peerMark;
    this.assembler = new Assembler(limits, this);
  }

  /** Gives it its socket. */
  open(socket: StreamSocket): void {
    this.socket = socket;
    this.out = new FrameWriter(socket, (call) => this.gone(call));
    if (this.reason !== undefined) socket.destroy();
  }

  /** Where frames go out. */
  get writer(): FrameWriter {
    if (this.out === undefined) throw new ConnectionLost({ worker: this.workerId, reason: "it was not open yet" });
    return this.out;
  }

  /** Closes it from this side. What was sent before in this turn still goes out if the kernel takes it. */
  close(reason: SnakepitError = this.lossOf("it was closed on this side")): void {
    if (this.reason !== undefined) return;
    this.out?.flush();
    this.end(reason);
  }

  /** Takes the buffers that came before the message of this call, in order. */
  takeAttached(call: number): readonly Uint8Array[] {
    return this.assembler.take(call);
  }

  /** Drops what came and what waits of a call that this side has ended. */
  forget(call: number): void {
    if (!this.assembler.isIdle) this.assembler.forget(call);
    this.out?.drop(call);
  }

  onData(data: Uint8Array, length: number): void {
    if (this.reason !== undefined) return;
    try {
      this.reader.read(data, length);
    } catch (error) {
      this.end(error instanceof ProtocolError ? error : this.lossOf("a message could not be handled", error));
    }
  }

  onDrain(): void {
    this.out?.drained();
  }

  onClose(error: Error | undefined): void {
    this.end(this.lossOf(error === undefined ? "the other side closed it" : error.message, error));
  }

  frame(bytes: Uint8Array, kind: number, flags: number, prefix: number, call: number, aux: number, start: number, end: number): void {
    // A frame may close the connection in the middle of a read.
    if (this.reason !== undefined) return;
    const isWhole = kind !== Kind.PART && kind !== Kind.ATTACH && (flags & Flag.CUT) === 0 && end - start <= this.limits.maxMessageBytes;
    if (isWhole && this.assembler.isIdle) this.message(bytes, kind, flags, prefix, call, aux, start, end, false);
    else this.assembler.frame(bytes, kind, flags, prefix, call, aux, start, end);
  }

  message(
    bytes: Uint8Array,
    kind: number,
    flags: number,
    prefix: number,
    call: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    if (prefix > end - start && kind !== Kind.MESSAGE && kind !== Kind.CREDIT) throw fault("a prefix longer than its frame");
    if (call === 0 || kind === Kind.EVENT) this.control.control(bytes, kind, call, aux, start, end);
    else this.sinkOf(call).message(bytes, kind, flags, prefix, call, aux, start, end, owned);
  }

  isOpen(call: number): boolean {
    return call !== 0 && this.sinkOf(call).isOpen(call);
  }

  mayOpen(call: number): boolean {
    return call !== 0 && (call & Mark.WORKER) >>> 0 === (this.mayOpenMark & Mark.WORKER) >>> 0;
  }

  tooLarge(call: number, error: PayloadTooLarge): void {
    if (call === 0) throw fault(`a message of ${error.size} bytes that belongs to no call`);
    this.sinkOf(call).breakOff(call, error);
  }

  /** What a call fails with that is made after the connection was closed. */
  lost(): ConnectionLost {
    const { reason } = this;
    return reason instanceof ConnectionLost ? reason : this.lossOf(reason?.message ?? "it is closed", reason);
  }

  /** The memory of a message was gone before all of it was sent. A call of this side is cancelled; an answer of which a part was sent can be neither ended nor taken back. */
  private gone(call: number): void {
    const reason = "its memory was given back while it was sent";
    if (this.mayOpen(call) || !this.isOpen(call)) this.end(this.lossOf(`an answer could not be sent: ${reason}`));
    else this.sinkOf(call).breakOff(call, new UnsupportedValue({ path: "$", reason }));
  }

  private sinkOf(call: number): CallSink {
    if (call >= Mark.WORKER) return this.worker;
    return call >= Mark.HOST ? this.host : this.tools;
  }

  private end(reason: SnakepitError): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.out?.close();
    this.socket?.destroy();
    this.tools.closed(reason);
    this.host.closed(reason);
    this.worker.closed(reason);
    this.memory?.lost();
    this.onClosed(reason);
  }

  private lossOf(reason: string, cause?: unknown): ConnectionLost {
    return new ConnectionLost({ worker: this.workerId, reason }, cause === undefined ? {} : { cause });
  }
}
