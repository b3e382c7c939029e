/** What stands beside a value on its way out: its buffers, and what more there is among the arguments of a call. */
import { create, toBinary } from "@bufbuild/protobuf";
import { PayloadTooLarge } from "../errors/index.ts";
import { type Buffer_Kind, type Buffer as BufferMessage, BufferSchema, SharedRangeSchema } from "../gen/snakepit/v1/value_pb.ts";
import type { CarriedCall } from "../tool/call.ts";
import type { HostFunction, ValueSink } from "../value/index.ts";
import { varintLength, writeVarint } from "./execute.ts";
import { MAX_BODY_BYTES } from "./frame.ts";
import type { Loan } from "./memory/argument-segments.ts";
import { ALIGNMENT, type SharedMemory } from "./memory/shared-memory.ts";

/** Buffers below this size travel in their message: less than a frame of their own costs. */
export const INLINE_BELOW_BYTES = 16_384;

const TAG_REQUEST_BUFFER = 0x22;
/** What a message says of a buffer at most, but for its shape, and of each dimension of that. */
const DESCRIBED_BYTES = 96;
const DIMENSION_BYTES = 10;
/** A message up to this size is one frame, whatever fields come after its buffers. */
const ONE_FRAME_BYTES = MAX_BODY_BYTES - 1_024;
/** The first message of a call up to this size goes into the writer's arena, so it is sent at once. */
const SENT_NOW_BYTES = 16_384;

interface OutgoingBuffer {
  readonly data: Uint8Array;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly kind: Buffer_Kind;
}

/** The buffers of one value on its way out. Encode the value with it, then {@link OutgoingBuffers.place} them. */
export class OutgoingBuffers implements ValueSink {
  /** Fields of the message, encoded, each with the tag it was made with. */
  fields: readonly Uint8Array[] = [];
  /** Data that goes in Attach frames, in order. */
  attached: readonly Uint8Array[] = [];
  /** Bytes that go in Attach frames or lie in shared memory. */
  besideBytes = 0;
  private readonly tag: number;
  private readonly buffers: OutgoingBuffer[] = [];
  private loan: Loan | undefined;

  /** @param tag The tag of `buffers` in the message. */
  constructor(tag: number) {
    this.tag = tag;
  }

  /** Whether there are any. */
  get hasBuffers(): boolean {
    return this.buffers.length > 0;
  }

  buffer(data: Uint8Array, dtype: string, shape: readonly number[], kind: Buffer_Kind): number {
    return this.buffers.push({ data, dtype, shape, kind }) - 1;
  }

  /**
   * Decides where each of them goes and makes {@link fields} and {@link attached}. Those that are views of the receiver's own memory stay there, all others that are
   * large go into shared memory where there is room for them together, otherwise into frames of their own.
   *
   * @param maxBufferBytes What the other side takes.
   * @param bytes What the message holds beside them. One that is longer than a frame lends nothing: it may be broken off in the middle.
   * @param isFirst Whether nothing of its call goes before it, so that a short one that attaches nothing is sent before anything else is. Only then may it
   * name views, whose lease may be returned in the next moment.
   * @throws PayloadTooLarge when they are larger together.
   */
  place(maxBufferBytes: number, bytes: number, memory?: SharedMemory, isFirst = false): void {
    const size = bytes + this.inlineBytes();
    this.placeIn(size <= ONE_FRAME_BYTES ? memory : undefined, maxBufferBytes, isFirst && size <= SENT_NOW_BYTES);
  }

  /** The message is not sent: what it would have lent is free again. Does nothing when it lends nothing. */
  readonly withdraw = (): void => {
    this.loan?.release();
    this.loan = undefined;
  };

  /** What the message holds of them in any case, at most. */
  private inlineBytes(): number {
    let bytes = 0;
    for (const { data, shape } of this.buffers) {
      bytes += DESCRIBED_BYTES + DIMENSION_BYTES * shape.length + (data.length < INLINE_BELOW_BYTES ? data.length : 0);
    }
    return bytes;
  }

  private placeIn(memory: SharedMemory | undefined, maxBufferBytes: number, isSentNow: boolean): void {
    let total = 0;
    const views = new Map<OutgoingBuffer, number>();
    for (const buffer of this.buffers) {
      const { length } = buffer.data;
      if (length < INLINE_BELOW_BYTES) continue;
      this.besideBytes += length;
      const segment = isSentNow ? memory?.segmentOf(buffer.data) : undefined;
      if (segment === undefined) total += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
      else views.set(buffer, segment);
    }
    if (this.besideBytes > maxBufferBytes) {
      throw new PayloadTooLarge({ size: this.besideBytes, limit: maxBufferBytes, option: "maxBufferBytes" });
    }
    this.loan = memory?.take(total);
    if (this.loan === undefined && total > 0 && views.size > 0) {
      // What is attached goes first, and takes its time.
      this.besideBytes = 0;
      this.placeIn(memory, maxBufferBytes, false);
      return;
    }
    const attached: Uint8Array[] = [];
    let offset = 0;
    this.fields = this.buffers.map((buffer) => {
      const { data, dtype, shape, kind } = buffer;
      let location: BufferMessage["location"] = { case: "inline", value: data };
      const view = views.get(buffer);
      if (view !== undefined) {
        const range = { segment: view, offset: BigInt(data.byteOffset), length: BigInt(data.length) };
        location = { case: "shared", value: create(SharedRangeSchema, range) };
      } else if (data.length >= INLINE_BELOW_BYTES) {
        if (this.loan === undefined) {
          location = { case: "attached", value: attached.push(data) - 1 };
        } else {
          const { segment, lease, memory } = this.loan;
          memory.set(data, offset);
          const range = { segment, offset: BigInt(offset), length: BigInt(data.length), lease: BigInt(lease) };
          location = { case: "shared", value: create(SharedRangeSchema, range) };
          offset += Math.ceil(data.length / ALIGNMENT) * ALIGNMENT;
        }
      }
      return this.field(create(BufferSchema, { dtype, shape: shape.map(BigInt), kind, location }));
    });
    this.attached = attached;
  }

  private field(buffer: BufferMessage): Uint8Array {
    const message = toBinary(BufferSchema, buffer);
    const field = new Uint8Array(1 + varintLength(message.length) + message.length);
    field[0] = this.tag;
    field.set(message, writeVarint(field, 1, message.length));
    return field;
  }
}

/** What stands beside the arguments of a call: buffers, input streams, functions, stored objects. */
export class OutgoingArguments extends OutgoingBuffers {
  readonly inputs: AsyncIterable<unknown>[] = [];
  /** Whose arguments they are. */
  call: CarriedCall | undefined;

  constructor() {
    super(TAG_REQUEST_BUFFER);
  }

  /** Whether all of it stands in the value. */
  get isEmpty(): boolean {
    return !this.hasBuffers && this.inputs.length === 0;
  }

  get objectSession(): string | undefined {
    return this.call?.sessionId;
  }

  inputStream(items: AsyncIterable<unknown>): number {
    return this.inputs.push(items);
  }

  hostFunction(fn: HostFunction): number {
    // Nothing is encoded into it before it has its call.
    return this.call?.hostFunction(fn) ?? 0;
  }
}
