/**
 * Tool calls of the host: what the pool starts, on its way to the worker and back.
 *
 * The pool's own object stands in the table, so a plain call allocates nothing here. Only calls that stream, either way, have a state beside it.
 */
import { fromBinary } from "@bufbuild/protobuf";
import { isSnakepitError, PayloadTooLarge, ProtocolError, type SnakepitError } from "../errors/index.ts";
import { fromAny, withoutDetail } from "../errors/wire.ts";
import { type Event, EventSchema } from "../gen/snakepit/v1/frame_pb.ts";
import type { CarriedCall, Progress } from "../tool/call.ts";
import { Encoder, Lease } from "../value/index.ts";
import { CallTable } from "./call-table.ts";
import {
  decodeItems,
  decodeResult,
  giveBack,
  nestingField,
  Prefixes,
  plainLength,
  prefixLength,
  requestParts,
  sendPlain,
  traceField,
} from "./execute.ts";
import { checkAnswer, fault, HEADER_BYTES, ITEM_COST, Kind } from "./frame.ts";
import { decodeCallError, typeOf } from "./headers.ts";
import { InputStreams } from "./input-stream.ts";
import { type CallSink, type Link, Mark } from "./link.ts";
import { OutgoingArguments } from "./outgoing.ts";

/** The largest body that is built in the arena without asking. */
const ARENA_BODY_BYTES = 32_768 - HEADER_BYTES;
const MAX_AUX = 0xffff_ffff;

/** What a call that streams has beside its entry in the table. */
interface StreamState {
  /** What the program has taken since the last credit. */
  taken: number;
  /** What it sends. */
  readonly inputs: InputStreams | undefined;
  /** The one item of a call that does not stream its results. */
  item: unknown;
  items: number;
}

/** Tool calls over a {@link Link}. */
export class ToolCalls implements CallSink {
  private readonly link: Link;
  private readonly table = new CallTable<CarriedCall>(Mark.TOOL);
  private readonly streams = new Map<number, StreamState>();
  private readonly prefixes = new Prefixes();
  private readonly encoder: Encoder;
  private spare: OutgoingArguments | undefined;
  private failed: readonly CarriedCall[] = [];

  constructor(link: Link) {
    this.link = link;
    this.encoder = new Encoder(link.peer.maxMessageBytes);
  }

  /** Calls in flight. */
  get inFlight(): number {
    return this.table.size;
  }

  /** Sends a call. Throws what it fails with when it cannot even be sent. */
  start(call: CarriedCall): void {
    const { link } = this;
    const { args, beside } = this.encode(call);
    if (link.reason !== undefined) throw link.lost();
    // A getter among the arguments has ended it.
    if (call.over) return;
    const prefix = this.prefixes.get(call.sessionId, call.tool);
    let length = plainLength(prefix, args);
    const isStream = call.streaming || beside.inputs.length > 0;
    if (beside.hasBuffers) beside.place(link.peer.maxBufferBytes, length, link.memory, true);
    let { fields } = beside;
    // In the order of their numbers, as the generated code writes them.
    if (call.traceparent !== "") fields = [...fields, traceField(call.traceparent)];
    if (call.depth !== 0 || call.waiter !== 0) fields = [...fields, nestingField(call, isStream)];
    if (fields.length > 0) {
      for (const field of fields) length += field.length;
    }
    const { maxMessageBytes } = link.peer;
    if (length > maxMessageBytes) {
      beside.withdraw();
      throw new PayloadTooLarge({ size: length, limit: maxMessageBytes, option: "maxMessageBytes" });
    }
    const { writer } = link;
    const kind = isStream ? Kind.EXECUTE_STREAM : Kind.EXECUTE;
    const timeLeft = call.timeLeftMs <= 0 ? 0 : Math.min(Math.ceil(call.timeLeftMs), MAX_AUX);
    const id = this.table.add(call);
    if (fields.length === 0 && length <= ARENA_BODY_BYTES) {
      sendPlain(writer, kind, id, timeLeft, prefix, args);
    } else {
      for (const data of beside.attached) writer.message(Kind.ATTACH, 0, 0, id, 0, [data]);
      writer.message(kind, 0, prefixLength(prefix), id, timeLeft, requestParts(prefix, args, fields), beside.withdraw);
    }
    if (isStream) this.stream(call, id, beside.inputs);
  }

  /** Cancels a call in flight. */
  cancel(call: CarriedCall): void {
    const id = call.wireId;
    if (!this.end(call)) return;
    this.link.forget(id);
    this.link.writer.control(Kind.CANCEL, 0, id, 0);
  }

  /** Gives credit back. */
  release(call: CarriedCall, cost: number): void {
    const state = this.streams.get(call.wireId);
    if (state === undefined) return;
    state.taken += cost;
    if (state.taken * 2 < this.link.limits.streamWindowBytes) return;
    this.link.writer.control(Kind.CREDIT, 0, call.wireId, state.taken);
    state.taken = 0;
  }

  message(
    bytes: Uint8Array,
    kind: number,
    _flags: number,
    prefix: number,
    id: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    const call = this.table.get(id);
    if (call === undefined) {
      checkAnswer(kind);
      giveBack(this.link.memory, kind, bytes, start + (kind === Kind.RESULT ? prefix : 0), end);
      return;
    }
    switch (kind) {
      case Kind.RESULT:
        this.result(call, bytes, aux, start + prefix, end, owned);
        break;
      case Kind.MESSAGE:
        this.items(call, bytes, aux, start, end, owned);
        break;
      case Kind.END:
        this.ended(call);
        break;
      case Kind.ERROR:
        this.error(call, bytes, aux, start, end);
        break;
      case Kind.CREDIT:
        this.streams.get(id)?.inputs?.grant(prefix, aux);
        break;
      default:
        checkAnswer(kind);
    }
  }

  /** The worker reports how far a call is. */
  progress(id: number, { fraction, message }: Progress): void {
    this.table.get(id)?.onProgress({ fraction, message });
  }

  /** The call of this id; undefined when it is over. */
  running(id: number): CarriedCall | undefined {
    return this.table.get(id);
  }

  isOpen(id: number): boolean {
    return this.table.get(id) !== undefined;
  }

  breakOff(id: number, error: SnakepitError): void {
    const call = this.table.get(id);
    if (call !== undefined) this.fail(call, error);
  }

  closed(): void {
    for (const state of this.streams.values()) state.inputs?.stop();
    this.streams.clear();
    this.failed = this.table.clear();
  }

  /** The calls that were in flight when the connection closed. */
  takeFailed(): readonly CarriedCall[] {
    const { failed } = this;
    this.failed = [];
    return failed;
  }

  /** The arguments, and what stands beside them. */
  private encode(call: CarriedCall): { readonly args: Uint8Array; readonly beside: OutgoingArguments } {
    // A getter among the arguments may start another call meanwhile.
    const beside = this.spare ?? new OutgoingArguments();
    this.spare = undefined;
    beside.call = call;
    const args = this.encoder.encode(call.args, beside);
    beside.call = undefined;
    if (beside.isEmpty) this.spare = beside;
    return { args, beside };
  }

  private stream(call: CarriedCall, id: number, sources: readonly AsyncIterable<unknown>[]): void {
    if (sources.length === 0) {
      this.streams.set(id, { taken: 0, inputs: undefined, item: undefined, items: 0 });
      return;
    }
    const inputs = new InputStreams(this.link, this.encoder, call, id, sources);
    this.streams.set(id, { taken: 0, inputs, item: undefined, items: 0 });
    inputs.start();
  }

  /** Takes a call out of the table. Answers false when it is not in flight. */
  private end(call: CarriedCall): boolean {
    const id = call.wireId;
    if (!this.table.remove(call)) return false;
    if (this.streams.size > 0) {
      const state = this.streams.get(id);
      if (state !== undefined) {
        this.streams.delete(id);
        state.inputs?.stop();
      }
    }
    return true;
  }

  /** Ends a call that the worker has ended. What still waits to go there is dropped, which a Cancel must follow. */
  private answered(call: CarriedCall): void {
    const id = call.wireId;
    this.end(call);
    const { writer } = this.link;
    if (!writer.waits(id)) return;
    writer.drop(id);
    writer.control(Kind.CANCEL, 0, id, 0);
  }

  /** Fails a call that the worker has not ended. */
  private fail(call: CarriedCall, error: SnakepitError): void {
    this.cancel(call);
    call.onError(error);
  }

  private result(call: CarriedCall, bytes: Uint8Array, ranUs: number, start: number, end: number, owned: boolean): void {
    if (call.streaming) throw fault("a single result for a call that streams");
    const attached = this.link.takeAttached(call.wireId);
    this.answered(call);
    const { memory } = this.link;
    let value: unknown;
    try {
      value = decodeResult(bytes, start, end, attached, owned, call, memory, call.view);
    } catch (error) {
      memory?.finish()?.();
      call.onError(unreadable(error));
      return;
    }
    const release = memory?.finish();
    call.onResult(release === undefined ? value : new Lease(value, release), ranUs);
  }

  private items(call: CarriedCall, bytes: Uint8Array, aux: number, start: number, end: number, owned: boolean): void {
    const state = this.streams.get(call.wireId);
    if (state === undefined) throw fault("a stream's message for a call that does not stream");
    const attached = this.link.takeAttached(call.wireId);
    const { memory } = this.link;
    let values: unknown[];
    let size = end - start;
    try {
      values = decodeItems(bytes, start, end, attached, owned, call, memory);
      size += memory?.readBytes ?? 0;
    } catch (error) {
      this.fail(call, unreadable(error));
      return;
    } finally {
      memory?.finish();
    }
    // Whoever reads the stream takes a batch of none for its end.
    if (values.length === 0) throw fault("a message of a stream without items");
    if (call.streaming) {
      for (const data of attached) size += data.length;
      call.onItems(values, Math.max(size, Math.max(aux, 1) * ITEM_COST));
      return;
    }
    state.items += values.length;
    state.item = values[0];
    if (state.items > 1) this.fail(call, new ProtocolError({ reason: "the worker sent more than one result" }));
  }

  private ended(call: CarriedCall): void {
    const state = this.streams.get(call.wireId);
    if (state === undefined) throw fault("the end of a stream for a call that does not stream");
    this.answered(call);
    if (call.streaming) call.onEnd();
    else if (state.items === 1) call.onResult(state.item, 0);
    else call.onError(new ProtocolError({ reason: "the worker ended a call without a result" }));
  }

  private error(call: CarriedCall, bytes: Uint8Array, code: number, start: number, end: number): void {
    const failure = this.streams.get(call.wireId)?.inputs?.failure;
    this.answered(call);
    let error: SnakepitError;
    try {
      error = readError(bytes, code, start, end);
    } catch (cause) {
      error = unreadable(cause);
    }
    // The tool let the failure of its input through. Here the original error is still at hand.
    call.onError(failure !== undefined && error._tag === failure._tag ? failure : error);
  }
}

/** The event in the body of an Event frame. Throws ProtocolError when there is none. */
export function readEvent(bytes: Uint8Array, start: number, end: number): Event["event"] {
  try {
    // Its strings are copied out, so it may lie in the reader's memory.
    return fromBinary(EventSchema, bytes.subarray(start, end)).event;
  } catch (cause) {
    throw new ProtocolError({ reason: "the other side sent an event that cannot be read" }, { cause });
  }
}

/** The error in the body of an Error frame. */
function readError(bytes: Uint8Array, code: number, start: number, end: number): SnakepitError {
  const { details, message } = decodeCallError(bytes, start, end);
  for (const { typeUrl, value } of details) {
    const error = fromAny(typeOf(typeUrl), value);
    if (error !== undefined) return error;
  }
  return withoutDetail(code, message);
}

function unreadable(error: unknown): SnakepitError {
  if (isSnakepitError(error)) return error;
  return new ProtocolError(
    { reason: `an answer cannot be read: ${error instanceof Error ? error.message : String(error)}` },
    { cause: error },
  );
}
