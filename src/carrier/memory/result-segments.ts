/** Segments of shared memory for results: written by the worker, read here. Each lends itself for one message at a time. */
import { ProtocolError } from "../../errors/index.ts";
import type { SharedRange } from "../../gen/snakepit/v1/value_pb.ts";
import type { Mapping } from "../../runtime/memory-map.ts";

interface ResultSegment {
  readonly id: number;
  readonly mapping: Mapping;
  readonly memory: Uint8Array<ArrayBuffer>;
  /** What the last view became when its lease was released. Used again: each new one counts as so much new memory, which has Node collect garbage. */
  spare: ArrayBuffer | undefined;
}

/** What the worker is told. */
export interface ResultEvents {
  /** It may write to the segment of this lease again. */
  returned(lease: number): void;
  /** This side has no use for the segment any more. */
  dropped(id: number): void;
}

/** A lease of the message that is being read. */
interface Reading {
  readonly segment: ResultSegment;
  readonly lease: number;
  /** What the program's views lie in. */
  view: ArrayBuffer | undefined;
}

/** A segment that the program has views of. */
interface Lent {
  readonly segments: ResultSegments;
  readonly segment: ResultSegment;
  readonly lease: number;
}

/**
 * The net below leases that are forgotten. The memory of such a one is not used again, only given back: the program may have moved its buffer elsewhere
 * (`transfer`, `postMessage`), where it is still in use, and nobody is told of that.
 */
const forgotten = new FinalizationRegistry<Lent>(({ segments, segment }) => segments.abandon(segment));

/** The segments of one worker. */
export class ResultSegments {
  private readonly events: ResultEvents;
  private readonly segments = new Map<number, ResultSegment>();
  private reading: Reading[] = [];
  /** How many bytes of results are being read. */
  readBytes = 0;
  private isClosed = false;
  /** Those that the program has views of. */
  private readonly lent = new Set<ResultSegment>();
  /** The same by what the views lie in. */
  private readonly views = new WeakMap<ArrayBufferLike, ResultSegment>();

  constructor(events: ResultEvents) {
    this.events = events;
  }

  /** Takes in a segment that the worker has made, and returns the lease under which it waits to be used. */
  add(id: number, mapping: Mapping, lease: number): void {
    this.segments.set(id, { id, mapping, memory: new Uint8Array(mapping.view(mapping.bytes)), spare: undefined });
    this.events.returned(lease);
  }

  /** The bytes of a part, valid until {@link finish}, or as a view until what that answers is called. Throws ProtocolError for what is no part. */
  read(range: SharedRange, asView: boolean): Uint8Array {
    const segment = this.segments.get(range.segment);
    const [offset, length, lease] = [Number(range.offset), Number(range.length), Number(range.lease)];
    if (segment === undefined || !(offset + length <= segment.mapping.bytes)) {
      throw new ProtocolError({ reason: `${length} bytes at ${offset} of segment ${range.segment} are no memory of results` });
    }
    let reading = this.reading.find((one) => one.lease === lease);
    if (reading === undefined) {
      reading = { segment, lease, view: undefined };
      this.reading.push(reading);
    }
    this.readBytes += length;
    if (!asView) return segment.memory.subarray(offset, offset + length);
    if (reading.view === undefined) {
      reading.view = segment.spare ?? segment.mapping.view(segment.mapping.bytes);
      segment.spare = undefined;
    }
    return new Uint8Array(reading.view, offset, length);
  }

  /** See {@link SharedMemory.finish}. */
  finish(): (() => void) | undefined {
    if (this.reading.length === 0) return undefined;
    const { reading } = this;
    this.reading = [];
    this.readBytes = 0;
    const held: { readonly lent: Lent; readonly view: ArrayBuffer }[] = [];
    for (const { segment, lease, view } of reading) {
      if (view === undefined) {
        this.events.returned(lease);
        continue;
      }
      const lent: Lent = { segments: this, segment, lease };
      this.lent.add(segment);
      forgotten.register(view, lent, lent);
      this.views.set(view, segment);
      held.push({ lent, view });
    }
    if (held.length === 0) return undefined;
    return () => {
      for (const { lent, view } of held) this.release(lent, view);
    };
  }

  /** The segment that bytes of a view lie in; undefined when they are anything else. */
  segmentOf({ buffer }: Uint8Array): number | undefined {
    const segment = this.views.get(buffer);
    return segment !== undefined && this.segments.has(segment.id) ? segment.id : undefined;
  }

  /** The worker has closed a segment. */
  remove(id: number): void {
    const segment = this.segments.get(id);
    if (segment === undefined) return;
    this.segments.delete(id);
    if (!this.lent.has(segment)) unmap(segment);
  }

  /** Unmaps what the program does not look at. */
  close(): void {
    this.isClosed = true;
    for (const id of [...this.segments.keys()]) this.remove(id);
  }

  /** Nobody knows whether views of this segment are still in use. */
  abandon(segment: ResultSegment): void {
    this.lent.delete(segment);
    this.segments.delete(segment.id);
    segment.memory.buffer.transfer();
    segment.mapping.abandon();
    if (!this.isClosed) this.events.dropped(segment.id);
  }

  private release(lent: Lent, view: ArrayBuffer): void {
    const { segment, lease } = lent;
    forgotten.unregister(lent);
    // The program has moved the buffer elsewhere, where nothing can be taken from it.
    if (view.detached) {
      this.abandon(segment);
      return;
    }
    segment.spare = view.transfer();
    this.lent.delete(segment);
    if (this.segments.has(segment.id)) this.events.returned(lease);
    else unmap(segment);
  }
}

function unmap({ mapping, memory }: ResultSegment): void {
  memory.buffer.transfer();
  mapping.unmap();
}
