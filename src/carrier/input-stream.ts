/**
 * Input streams: async iterables in the arguments of a call, read as fast as the tool takes their items.
 */
import { create, toBinary } from "@bufbuild/protobuf";
import { InputFailed, PayloadTooLarge } from "../errors/index.ts";
import { toDetail } from "../errors/wire.ts";
import { InputItemsSchema } from "../gen/snakepit/v1/worker_pb.ts";
import type { CarriedCall } from "../tool/call.ts";
import { type Encoder, OWNED_FROM_BYTES } from "../value/index.ts";
import { varintLength, writeVarint } from "./execute.ts";
import { copyBytes, ITEM_COST, Kind } from "./frame.ts";
import type { Link } from "./link.ts";
import { OutgoingBuffers } from "./outgoing.ts";

/** Items that are ready together leave together, up to this many and this size. */
const BATCH_ITEMS = 512;
const BATCH_BYTES = 65_536;
/** Items from this size on leave alone. */
const ALONE_BYTES = 32_768;

const TAG_INPUT = 0x32;
const TAG_STREAM = 0x08;
const TAG_ITEM = 0x12;
const TAG_ITEM_BUFFER = 0x1a;

/** The input streams of one call. */
export class InputStreams {
  /** Set when one of them failed: what the call fails with when the tool does not handle it. */
  failure: InputFailed | undefined;
  private readonly link: Link;
  private readonly id: number;
  private readonly streams: readonly InputStream[];
  private open: number;

  constructor(link: Link, encoder: Encoder, call: CarriedCall, id: number, sources: readonly AsyncIterable<unknown>[]) {
    this.link = link;
    this.id = id;
    this.streams = sources.map((source, index) => new InputStream(this, link, encoder, call, id, index + 1, source));
    this.open = sources.length;
  }

  /** Begins to read them. */
  start(): void {
    for (const stream of this.streams) void stream.run();
  }

  /** The tool has used this much of one of them. */
  grant(number: number, credit: number): void {
    this.streams[number - 1]?.grant(credit);
  }

  /** The call has ended: nobody wants more. Sources that are not at their end hear of it by `return`. */
  stop(): void {
    for (const stream of this.streams) stream.stop();
  }

  /** One of them has sent its last message. */
  finished(failure?: InputFailed): void {
    this.failure ??= failure;
    if (--this.open === 0) this.link.writer.message(Kind.END, 0, 0, this.id, 0, []);
  }
}

class InputStream {
  private readonly owner: InputStreams;
  private readonly link: Link;
  private readonly encoder: Encoder;
  private readonly call: CarriedCall;
  private readonly id: number;
  private readonly number: number;
  private readonly source: AsyncIterable<unknown>;
  private iterator: AsyncIterator<unknown> | undefined;
  private credit: number;
  private wake: (() => void) | undefined;
  private isOver = false;
  /** Fields `items` of the next message. */
  private batch = new Uint8Array(1024);
  private length = 0;
  private count = 0;
  private isScheduled = false;
  private buffers = new OutgoingBuffers(TAG_ITEM_BUFFER);

  constructor(
    owner: InputStreams,
    link: Link,
    encoder: Encoder,
    call: CarriedCall,
    id: number,
    number: number,
    source: AsyncIterable<unknown>,
  ) {
    this.owner = owner;
    this.link = link;
    this.encoder = encoder;
    this.call = call;
    this.id = id;
    this.number = number;
    this.source = source;
    this.credit = link.peer.streamWindowBytes;
  }

  async run(): Promise<void> {
    try {
      const iterator = this.source[Symbol.asyncIterator]();
      this.iterator = iterator;
      while (!this.isOver) {
        if (this.credit <= 0) {
          await new Promise<void>((resolve) => {
            this.wake = resolve;
          });
          continue;
        }
        const next = await iterator.next();
        if (this.isOver) return;
        if (next.done === true) {
          this.isOver = true;
          this.send(true);
          this.owner.finished();
          return;
        }
        this.add(next.value);
      }
    } catch (error) {
      if (!this.isOver) this.fail(error);
    }
  }

  grant(credit: number): void {
    this.credit += credit;
    if (this.credit > 0) this.wakeUp();
  }

  stop(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.wakeUp();
    this.leave();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }

  /** Tells the source that nobody reads on. What it answers, and how it fails at that, is of no use to anyone. */
  private leave(): void {
    const { iterator } = this;
    if (iterator?.return === undefined) return;
    void (async () => iterator.return?.())().catch(() => {});
  }

  private add(item: unknown): void {
    const { buffers } = this;
    const bytes = this.encoder.encode(item, buffers);
    const { maxMessageBytes, maxBufferBytes } = this.link.peer;
    // What stands around an item takes less than this.
    const size = bytes.length + 64;
    if (size > maxMessageBytes) throw new PayloadTooLarge({ size, limit: maxMessageBytes, option: "maxMessageBytes" });
    const { hasBuffers } = buffers;
    if (hasBuffers) {
      this.buffers = new OutgoingBuffers(TAG_ITEM_BUFFER);
      buffers.place(maxBufferBytes, size, this.link.memory);
    }
    if (hasBuffers || bytes.length >= ALONE_BYTES) {
      this.alone(bytes, buffers);
      return;
    }
    if (this.length + size > Math.min(BATCH_BYTES, maxMessageBytes)) this.send(false);
    this.put(bytes);
    this.count++;
    if (this.count >= BATCH_ITEMS || Math.max(this.count * ITEM_COST, this.length) >= this.credit) this.send(false);
    else this.schedule();
  }

  /** Adds an item to the batch. */
  private put(item: Uint8Array): void {
    const needed = this.length + 6 + item.length;
    if (needed > this.batch.length) {
      const larger = new Uint8Array(Math.max(needed, this.batch.length * 2));
      larger.set(this.batch.subarray(0, this.length));
      this.batch = larger;
    }
    this.batch[this.length] = TAG_ITEM;
    const at = writeVarint(this.batch, this.length + 1, item.length);
    this.batch.set(item, at);
    this.length = at + item.length;
  }

  /** Sends an item that is large, or that has buffers. */
  private alone(item: Uint8Array, buffers: OutgoingBuffers): void {
    const own = item.length < OWNED_FROM_BYTES ? copyBytes(item) : item;
    this.send(false);
    for (const data of buffers.attached) this.link.writer.message(Kind.ATTACH, 0, 0, this.id, 0, [data]);
    const head = new Uint8Array(1 + varintLength(own.length));
    head[0] = TAG_ITEM;
    writeVarint(head, 1, own.length);
    this.message([head, own, ...buffers.fields], 1, buffers.besideBytes, buffers.withdraw);
  }

  /** Sends what is ready at the end of this turn of the event loop. */
  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      if (!this.isOver) this.send(false);
    });
  }

  /** Sends the batch, and the end behind it if this was all. */
  private send(isEnd: boolean): void {
    if (this.count === 0 && !isEnd) return;
    const items = copyBytes(this.batch, 0, this.length);
    const count = this.count;
    this.length = 0;
    this.count = 0;
    // Field 4, `end`, is true.
    this.message(isEnd ? [items, Uint8Array.of(0x20, 1)] : [items], count, 0);
  }

  private message(fields: readonly Uint8Array[], count: number, besideBytes: number, onDrop?: () => void): void {
    const streamLength = varintLength(this.number);
    let inner = 1 + streamLength;
    for (const field of fields) inner += field.length;
    const head = new Uint8Array(1 + varintLength(inner) + 1 + streamLength);
    head[0] = TAG_INPUT;
    const at = writeVarint(head, 1, inner);
    head[at] = TAG_STREAM;
    writeVarint(head, at + 1, this.number);
    const length = head.length - 1 - streamLength + inner;
    const items = Math.max(count, 1);
    this.credit -= Math.max(items * ITEM_COST, length + besideBytes);
    this.link.writer.message(Kind.MESSAGE, 0, this.number, this.id, items, [head, ...fields], onDrop);
  }

  private fail(cause: unknown): void {
    this.isOver = true;
    this.leave();
    const detail = cause instanceof Error ? cause.message : String(cause);
    const failure = new InputFailed({ tool: this.call.tool, argument: this.argument(), detail }, { cause });
    const isSendable = this.link.reason === undefined;
    if (!isSendable) return;
    this.send(false);
    const error = toBinary(InputItemsSchema, create(InputItemsSchema, { error: toDetail(failure) }));
    this.message([error], 1, 0);
    this.owner.finished(failure);
  }

  /** Which argument this stream is. Asked only when it failed. */
  private argument(): string {
    const args: object = typeof this.call.args === "object" && this.call.args !== null ? this.call.args : {};
    const entries = args instanceof Map ? [...args] : Object.entries(args);
    const found = entries.find(([, value]) => value === this.source);
    return found === undefined ? "" : String(found[0]);
  }
}
