/** Messages that arrive in pieces, and buffers that arrive before the message they belong to. */
import { PayloadTooLarge } from "../errors/index.ts";
import { unfilledBytes } from "../value/index.ts";
import type { CarrierLimits } from "./carrier.ts";
import { copyBytes, Flag, fault, Kind, MAX_BODY_BYTES, readUint32 } from "./frame.ts";

/** Takes whole messages. The body is `bytes` from `start` to `end`; `owned` says that nobody will write to that memory again. */
export interface MessageSink {
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
  ): void;
  /** Whether this call is open. */
  isOpen(call: number): boolean;
  /** Whether buffers may come before this call is opened. */
  mayOpen(call: number): boolean;
  /** A message or its buffers are over a limit; what is left of them will be dropped. */
  tooLarge(call: number, error: PayloadTooLarge): void;
}

interface Assembly {
  readonly kind: number;
  readonly flags: number;
  readonly prefix: number;
  readonly aux: number;
  readonly data: Uint8Array;
  have: number;
}

interface Attached {
  readonly buffers: Uint8Array[];
  bytes: number;
  /** They were over the limit: the message they belong to is dropped too. */
  isRefused: boolean;
}

const none: readonly Uint8Array[] = [];
/** Most calls not yet opened whose buffers are kept. A peer with more has gone wrong. */
const MAX_UNOPENED = 1024;
/** Largest Hello or Event that is taken in any case, in bytes. */
const MAX_OWN_BYTES = 67_108_864;
/** Kinds of messages that may be cut. */
const cuttable: ReadonlySet<number> = new Set([
  Kind.HELLO,
  Kind.OPEN,
  Kind.EXECUTE,
  Kind.EXECUTE_STREAM,
  Kind.MESSAGE,
  Kind.END,
  Kind.RESULT,
  Kind.ERROR,
  Kind.HEAD,
  Kind.ATTACH,
  Kind.EVENT,
]);

/** What stands before the message in its body and does not count against the limit. */
function headBytes(kind: number, prefix: number): number {
  return kind === Kind.OPEN || kind === Kind.RESULT ? prefix : 0;
}

/** Puts messages together. */
export class Assembler {
  private readonly limits: CarrierLimits;
  private readonly sink: MessageSink;
  private readonly assemblies = new Map<number, Assembly>();
  private readonly attached = new Map<number, Attached>();

  constructor(limits: CarrierLimits, sink: MessageSink) {
    this.limits = limits;
    this.sink = sink;
  }

  /** True while nothing is under way, so that whole frames need no look at it. */
  get isIdle(): boolean {
    return this.assemblies.size === 0 && this.attached.size === 0;
  }

  /** Takes a frame that is a piece of something or that comes while something is under way. */
  frame(bytes: Uint8Array, kind: number, flags: number, prefix: number, call: number, aux: number, start: number, end: number): void {
    if (kind === Kind.PART) {
      this.part(bytes, flags, call, start, end);
      return;
    }
    if (kind === Kind.CANCEL || kind === Kind.CREDIT) {
      if (flags !== 0) throw fault(`flags on a frame of kind ${kind}`);
    } else if (this.assemblies.has(call)) {
      throw fault(`a frame of kind ${kind} between the pieces of call ${call}`);
    }
    if ((flags & Flag.CUT) !== 0) this.begin(bytes, kind, flags, prefix, call, aux, start, end);
    else this.whole(bytes, kind, flags, prefix, call, aux, start, end, false);
  }

  /** Takes the buffers that came before the message of this call, in order. */
  take(call: number): readonly Uint8Array[] {
    const attached = this.attached.get(call);
    if (attached === undefined) return none;
    this.attached.delete(call);
    return attached.buffers;
  }

  /** Drops what there is of a call that has ended. */
  forget(call: number): void {
    this.assemblies.delete(call);
    this.attached.delete(call);
  }

  private begin(
    bytes: Uint8Array,
    kind: number,
    flags: number,
    prefix: number,
    call: number,
    aux: number,
    start: number,
    end: number,
  ): void {
    if (!cuttable.has(kind)) throw fault(`a cut frame of kind ${kind}`);
    if (end - start < 4) throw fault("a cut message without its length");
    const total = readUint32(bytes, start);
    const have = end - start - 4;
    if (total <= MAX_BODY_BYTES || have >= total) throw fault(`a message of ${total} bytes that was cut`);
    if (!this.accepts(kind, call, total - headBytes(kind, prefix))) return;
    const data = unfilledBytes(total);
    data.set(bytes.subarray(start + 4, end));
    this.assemblies.set(call, { kind, flags: flags & ~Flag.CUT, prefix, aux, data, have });
  }

  private part(bytes: Uint8Array, flags: number, call: number, start: number, end: number): void {
    const assembly = this.assemblies.get(call);
    if (assembly === undefined) {
      // The call has ended, or its message was refused; otherwise nothing was cut.
      if (call === 0 || this.sink.isOpen(call)) throw fault(`a piece of call ${call} without its beginning`);
      return;
    }
    const { data } = assembly;
    const length = end - start;
    if (flags !== 0 || length === 0 || length > data.length - assembly.have) throw fault(`a piece of ${length} bytes that does not fit`);
    data.set(bytes.subarray(start, end), assembly.have);
    assembly.have += length;
    if (assembly.have < data.length) return;
    this.assemblies.delete(call);
    this.whole(data, assembly.kind, assembly.flags, assembly.prefix, call, assembly.aux, 0, data.length, true);
  }

  private whole(
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
    // A message that was cut has passed this before its first piece was kept.
    if (!owned && kind !== Kind.CREDIT && !this.accepts(kind, call, end - start - headBytes(kind, prefix))) return;
    if (kind === Kind.ATTACH) this.attach(owned ? bytes : copyBytes(bytes, start, end), call);
    else if (kind === Kind.CANCEL) {
      this.forget(call);
      this.sink.message(bytes, kind, flags, prefix, call, aux, start, end, owned);
    } else this.sink.message(bytes, kind, flags, prefix, call, aux, start, end, owned);
  }

  private attach(data: Uint8Array, call: number): void {
    const attached = this.attached.get(call);
    if (attached === undefined) this.attached.set(call, { buffers: [data], bytes: data.length, isRefused: false });
    else {
      attached.buffers.push(data);
      attached.bytes += data.length;
    }
  }

  /** What the program chose is for what calls carry, not for what the worker says of itself. */
  private limitOf(kind: number): number {
    const { maxMessageBytes } = this.limits;
    return kind === Kind.HELLO || kind === Kind.EVENT ? Math.max(maxMessageBytes, MAX_OWN_BYTES) : maxMessageBytes;
  }

  /** Whether a message of this size is taken. Speaks for one that is too large. */
  private accepts(kind: number, call: number, size: number): boolean {
    const attached = this.attached.get(call);
    if (kind !== Kind.ATTACH) {
      if (attached?.isRefused) {
        this.attached.delete(call);
        return false;
      }
      const limit = this.limitOf(kind);
      if (size <= limit) return true;
      this.attached.delete(call);
      this.sink.tooLarge(call, new PayloadTooLarge({ size, limit, option: "maxMessageBytes" }));
      return false;
    }
    if (attached?.isRefused) return false;
    const isOpen = this.sink.isOpen(call);
    if (!isOpen && !this.sink.mayOpen(call)) return false;
    const bytes = (attached?.bytes ?? 0) + size;
    if (bytes <= this.limits.maxBufferBytes) {
      if (attached === undefined && !isOpen && this.attached.size >= MAX_UNOPENED) throw fault("buffers of too many calls that never open");
      return true;
    }
    this.attached.delete(call);
    if (!isOpen) this.attached.set(call, { buffers: [], bytes: 0, isRefused: true });
    this.sink.tooLarge(call, new PayloadTooLarge({ size: bytes, limit: this.limits.maxBufferBytes, option: "maxBufferBytes" }));
    return false;
  }
}
