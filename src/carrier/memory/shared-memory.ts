/**
 * The memory that a worker shares with this program, as this side sees it: segments for arguments, which are written here, and segments for results, which
 * are read here. docs/protocol.md, "Shared memory", is the contract.
 *
 * No call waits for memory: what finds no segment that is free goes over the socket, and one is asked for, for the next time.
 */
import { create } from "@bufbuild/protobuf";
import {
  type HostEvent,
  HostEventSchema,
  LeasesReturnedSchema,
  type MemoryProbe,
  MemoryProbedSchema,
  type Segment as SegmentMessage,
  SegmentsClosedSchema,
  SegmentWantedSchema,
} from "../../gen/snakepit/v1/frame_pb.ts";
import type { SharedRange } from "../../gen/snakepit/v1/value_pb.ts";
import type { Mapping, MemoryMapper } from "../../runtime/memory-map.ts";
import { ArgumentSegments, type Loan } from "./argument-segments.ts";
import { ResultSegments } from "./result-segments.ts";

/** Buffers that are smaller than this together are cheaper to send. */
export const LEAST_SHARED_BYTES = 262_144;
/** Every part of a segment begins at a multiple of this. */
export const ALIGNMENT = 64;

const PAGE_BYTES = 4096;
const NONCE_BYTES = 32;
/** How long none is asked for when the last could not be mapped, in milliseconds. */
const ASK_AGAIN_MS = 30_000;

/** What one worker shares. */
export class SharedMemory {
  private readonly mapper: MemoryMapper;
  private readonly pid: number;
  private readonly say: (event: HostEvent["event"]) => void;
  private readonly arguments: ArgumentSegments;
  private readonly results: ResultSegments;
  private works = false;
  private isAsked = false;
  /** Of the clock that only goes forward. */
  private askAgainAt = 0;

  /** @param say Tells the worker something. Does nothing when the connection is closed. */
  constructor(mapper: MemoryMapper, pid: number, say: (event: HostEvent) => void) {
    this.mapper = mapper;
    this.pid = pid;
    this.say = (event) => say(create(HostEventSchema, { event }));
    this.arguments = new ArgumentSegments((ids) => this.close(ids));
    this.results = new ResultSegments({
      returned: (lease) => this.say({ case: "leasesReturned", value: create(LeasesReturnedSchema, { leases: [BigInt(lease)] }) }),
      dropped: (id) => this.close([id]),
    });
  }

  /** Finds out whether memory can be shared, and tells the worker. Answers why not, or undefined. */
  probe({ descriptor, nonce }: MemoryProbe): string | undefined {
    let failure: string | undefined;
    try {
      const page = this.map(descriptor, PAGE_BYTES);
      try {
        const bytes = new Uint8Array(page.view(PAGE_BYTES));
        const isSame = nonce.length === NONCE_BYTES && nonce.every((byte, at) => bytes[at] === byte);
        if (isSame) bytes.set(nonce, NONCE_BYTES);
        else failure = "the worker's memory is not what the worker says";
      } finally {
        page.unmap();
      }
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    this.works = failure === undefined;
    this.say({ case: "memoryProbed", value: create(MemoryProbedSchema, { works: this.works }) });
    return failure;
  }

  /** Memory for arguments of this many bytes together. Undefined when they are to go over the socket. */
  take(bytes: number): Loan | undefined {
    if (!this.works || bytes < LEAST_SHARED_BYTES) return undefined;
    const loan = this.arguments.take(bytes);
    if (loan === undefined && !this.isAsked && performance.now() >= this.askAgainAt) {
      this.isAsked = true;
      this.say({ case: "segmentWanted", value: create(SegmentWantedSchema, { bytes: BigInt(bytes) }) });
    }
    return loan;
  }

  /** The segment that bytes lie in of which the program has a view; undefined for all others, and for those of another worker. */
  segmentOf(data: Uint8Array): number | undefined {
    return this.works ? this.results.segmentOf(data) : undefined;
  }

  /** Results that are being read: the bytes of a part. Throws ProtocolError for what is none. End it with {@link finish}. */
  read(range: SharedRange, asView: boolean): Uint8Array {
    return this.results.read(range, asView);
  }

  /** How many bytes of results are being read. */
  get readBytes(): number {
    return this.results.readBytes;
  }

  /**
   * The results of one message have been read. Those that were copied are given back. Answers what gives back the others, or undefined when there are
   * none.
   */
  finish(): (() => void) | undefined {
    return this.results.finish();
  }

  /** The worker has made segments, or, when there are none, will not make the one that was asked for. */
  opened(segments: readonly SegmentMessage[]): void {
    if (segments.length === 0) this.isAsked = false;
    for (const { id, descriptor, inode, bytes, forArguments, lease } of segments) {
      if (forArguments) this.isAsked = false;
      try {
        const mapping = this.map(descriptor, Number(bytes), Number(inode));
        if (forArguments) this.arguments.add(id, mapping);
        else this.results.add(id, mapping, Number(lease));
      } catch {
        // The worker may be gone, or memory or descriptors short. Without this segment the socket does.
        if (forArguments) this.askAgainAt = performance.now() + ASK_AGAIN_MS;
        this.close([id]);
      }
    }
  }

  /** The worker has closed segments of results. */
  closed(ids: readonly number[]): void {
    for (const id of ids) this.results.remove(id);
  }

  /** Tools have done with arguments. */
  returned(leases: readonly bigint[]): void {
    for (const lease of leases) this.arguments.returned(Number(lease));
  }

  /** The connection is closed. What the program has views of stays readable. */
  lost(): void {
    this.works = false;
    this.arguments.close();
    this.results.close();
  }

  private map(descriptor: number, bytes: number, inode?: number): Mapping {
    return this.mapper.map(`/proc/${this.pid}/fd/${descriptor}`, bytes, inode);
  }

  private close(ids: readonly number[]): void {
    this.say({ case: "segmentsClosed", value: create(SegmentsClosedSchema, { segments: [...ids] }) });
  }
}
