/** Segments of shared memory for arguments: written here, read by tools, and given back when no tool looks at them any more. */
import type { Mapping } from "../../runtime/memory-map.ts";

/** How long a segment is kept that nothing uses, in milliseconds. */
const IDLE_MS = 30_000;

interface ArgumentSegment {
  readonly id: number;
  readonly mapping: Mapping;
  readonly memory: Uint8Array<ArrayBuffer>;
  /** When it was used last, as `performance.now()` has it. */
  used: number;
  /** The lease that the worker has, 0 while it is free. */
  lease: number;
}

/** A segment that a message is about to lend. */
export interface Loan {
  /** Id of the segment. */
  readonly segment: number;
  /** Number of the lease. */
  readonly lease: number;
  /** The memory to write to. */
  readonly memory: Uint8Array;
  /** The message is not sent after all. */
  release(): void;
}

/** The segments of one worker. */
export class ArgumentSegments {
  private readonly drop: (ids: readonly number[]) => void;
  private readonly segments = new Map<number, ArgumentSegment>();
  private leases = 0;
  private timer: ReturnType<typeof setInterval> | undefined;

  /** @param drop Tells the worker of segments that are used no more. */
  constructor(drop: (ids: readonly number[]) => void) {
    this.drop = drop;
  }

  /** Takes in a segment that the worker has made. */
  add(id: number, mapping: Mapping): void {
    this.segments.set(id, { id, mapping, memory: new Uint8Array(mapping.view(mapping.bytes)), used: performance.now(), lease: 0 });
    this.timer ??= setInterval(() => this.dropIdle(), IDLE_MS);
    this.timer.unref();
  }

  /** The smallest segment that is free and has so many bytes. */
  take(bytes: number): Loan | undefined {
    let found: ArgumentSegment | undefined;
    for (const segment of this.segments.values()) {
      const fits = segment.lease === 0 && segment.mapping.bytes >= bytes;
      if (fits && (found === undefined || segment.mapping.bytes < found.mapping.bytes)) found = segment;
    }
    if (found === undefined) return undefined;
    const segment = found;
    segment.lease = ++this.leases;
    segment.used = performance.now();
    const { id, lease, memory } = segment;
    return { segment: id, lease, memory, release: () => this.returned(lease) };
  }

  /** A lease has ended. Unknown ones are those of segments that are gone. */
  returned(lease: number): void {
    for (const segment of this.segments.values()) {
      if (segment.lease === lease) segment.lease = 0;
    }
  }

  /** Unmaps everything. */
  close(): void {
    clearInterval(this.timer);
    for (const segment of this.segments.values()) unmap(segment);
    this.segments.clear();
  }

  private dropIdle(): void {
    const before = performance.now() - IDLE_MS;
    const idle = [...this.segments.values()].filter(({ lease, used }) => lease === 0 && used < before);
    for (const segment of idle) {
      this.segments.delete(segment.id);
      unmap(segment);
    }
    if (idle.length > 0) this.drop(idle.map(({ id }) => id));
    if (this.segments.size > 0) return;
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

function unmap({ mapping, memory }: ArgumentSegment): void {
  // Nothing that is still about could be read by mistake afterwards.
  memory.buffer.transfer();
  mapping.unmap();
}
