/**
 * The writing side of a connection: frames in, few writes out.
 *
 * Small frames are built in one arena and leave together: at the end of the turn, and early after some, so that both sides work at once (leaving
 * all to the end of the turn costs a fifth of the calls). Messages too large for the arena wait in a lane for each call. While the socket
 * takes them, the lanes give a piece in turn; what is small overtakes them.
 */
import type { StreamSocket } from "../runtime/socket.ts";
import { Flag, HEADER_BYTES, Kind, MAX_BODY_BYTES, writeHeader, writeUint32 } from "./frame.ts";

const ARENA_BYTES = 65_536;
/** Largest frame that goes into the arena. */
const SMALL_BYTES = ARENA_BYTES / 2;
/** Frames that leave together at most. */
const FRAMES_A_WRITE = 16;
/** The lanes give no more while the socket has this much to do. */
const BUSY_BYTES = MAX_BODY_BYTES;

/** A message on its way out: the pieces of memory it is made of, none of them copied. */
interface Outgoing {
  readonly kind: number;
  readonly flags: number;
  readonly prefix: number;
  readonly aux: number;
  readonly parts: readonly Uint8Array[];
  readonly total: number;
  readonly onDrop: (() => void) | undefined;
}

/** Messages of one call that are too large for the arena, and what comes after them. */
interface Lane {
  readonly call: number;
  readonly messages: Outgoing[];
  /** How much of the first message has gone, in which of its parts that is, and where there. */
  sent: number;
  part: number;
  at: number;
}

/** Writes frames to a socket. */
export class FrameWriter {
  private readonly socket: StreamSocket;
  private readonly onGone: (call: number) => void;
  /** Where the next small frames are built; write at what {@link reserve} answers, at once. */
  arena: Uint8Array = new Uint8Array(ARENA_BYTES);
  private fill = 0;
  private frames = 0;
  private scheduled = false;
  private closed = false;
  private readonly lanes = new Map<number, Lane>();
  private turns: Lane[] = [];

  /**
   * @param onGone Called when memory of a message that waited is not there any more. What waits of its call was dropped. Default: nobody needs to know.
   */
  constructor(socket: StreamSocket, onGone: (call: number) => void = () => {}) {
    this.socket = socket;
    this.onGone = onGone;
  }

  /** Whether a frame of this call and size may be built in the arena. */
  fits(call: number, length: number): boolean {
    return length + HEADER_BYTES <= SMALL_BYTES && (this.lanes.size === 0 || !this.lanes.has(call));
  }

  /** Makes place in the arena for a frame with a body of `length` bytes, writes its header and answers where the body goes. Then call {@link sent}. */
  reserve(length: number, kind: number, flags: number, prefix: number, call: number, aux: number): number {
    const size = HEADER_BYTES + length;
    if (this.fill + size > ARENA_BYTES) this.flush();
    const at = this.fill;
    this.fill = at + size;
    if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.turnEnds);
    }
    writeHeader(this.arena, at, length, kind, flags, prefix, call, aux);
    return at + HEADER_BYTES;
  }

  /** The frame that was reserved last is complete. */
  sent(): void {
    if (++this.frames >= FRAMES_A_WRITE) this.flush();
  }

  /** Sends a frame without a body. It overtakes what waits. */
  control(kind: number, prefix: number, call: number, aux: number): void {
    this.reserve(0, kind, 0, prefix, call, aux);
    this.sent();
  }

  /**
   * Sends a message made of `parts`, behind what waits of the same call. Parts that are small together are copied at once, larger ones are kept until
   * they are gone; nobody may write to them meanwhile.
   *
   * @param onDrop Called when it is dropped before any of it was sent.
   */
  message(kind: number, flags: number, prefix: number, call: number, aux: number, parts: readonly Uint8Array[], onDrop?: () => void): void {
    let total = 0;
    for (const part of parts) total += part.length;
    if (this.fits(call, total)) {
      let at = this.reserve(total, kind, flags, prefix, call, aux);
      for (const part of parts) {
        this.arena.set(part, at);
        at += part.length;
      }
      this.sent();
      return;
    }
    let lane = this.lanes.get(call);
    if (lane === undefined) {
      lane = { call, messages: [], sent: 0, part: 0, at: 0 };
      this.lanes.set(call, lane);
      this.turns.push(lane);
    }
    lane.messages.push({ kind, flags, prefix, aux, parts, total, onDrop });
    if (!this.scheduled) {
      this.scheduled = true;
      queueMicrotask(this.turnEnds);
    }
  }

  /** Whether messages of this call wait. */
  waits(call: number): boolean {
    return this.lanes.has(call);
  }

  /** Forgets what waits of a call, also in the middle of a message: Cancel must follow. */
  drop(call: number): void {
    const lane = this.lanes.get(call);
    if (lane === undefined) return;
    this.lanes.delete(call);
    this.turns = this.turns.filter((other) => other !== lane);
    for (const message of lane.sent === 0 ? lane.messages : lane.messages.slice(1)) message.onDrop?.();
  }

  /** Hands the small frames to the socket now. */
  flush(): void {
    const fill = this.fill;
    this.frames = 0;
    if (fill === 0 || this.closed) return;
    this.fill = 0;
    // While the socket still holds this memory, the next frames need another.
    if (!this.socket.write(this.arena.subarray(0, fill))) this.arena = new Uint8Array(ARENA_BYTES);
  }

  /** The socket has taken everything. */
  drained(): void {
    this.flush();
    if (this.lanes.size > 0) this.pump();
  }

  /** Forgets everything and sends nothing any more. */
  close(): void {
    this.closed = true;
    this.lanes.clear();
    this.turns = [];
  }

  private readonly turnEnds = (): void => {
    this.scheduled = false;
    this.flush();
    if (this.lanes.size > 0) this.pump();
  };

  /** A piece of each lane in turn, until the socket is busy. */
  private pump(): void {
    while (this.socket.waiting < BUSY_BYTES && !this.closed) {
      const lane = this.turns.shift();
      if (lane === undefined) return;
      if (!isThere(lane)) {
        this.drop(lane.call);
        this.onGone(lane.call);
        continue;
      }
      this.piece(lane);
      if (lane.messages.length > 0) this.turns.push(lane);
      else this.lanes.delete(lane.call);
    }
  }

  private piece(lane: Lane): void {
    const message = lane.messages[0]!;
    const { total } = message;
    const isFirst = lane.sent === 0;
    const isCut = total > MAX_BODY_BYTES;
    const head = new Uint8Array(isFirst && isCut ? HEADER_BYTES + 4 : HEADER_BYTES);
    const room = Math.min(total - lane.sent, MAX_BODY_BYTES - (head.length - HEADER_BYTES));
    const length = room + head.length - HEADER_BYTES;
    if (isFirst) {
      writeHeader(head, 0, length, message.kind, isCut ? message.flags | Flag.CUT : message.flags, message.prefix, lane.call, message.aux);
      if (isCut) writeUint32(head, HEADER_BYTES, total);
    } else {
      writeHeader(head, 0, length, Kind.PART, 0, 0, lane.call, 0);
    }
    this.socket.cork();
    this.socket.write(head);
    for (let left = room; left > 0; ) {
      const part = message.parts[lane.part]!;
      const end = Math.min(part.length, lane.at + left);
      if (end > lane.at) this.socket.write(part.subarray(lane.at, end));
      left -= end - lane.at;
      lane.at = end;
      if (end === part.length) {
        lane.part++;
        lane.at = 0;
      }
    }
    this.socket.uncork();
    lane.sent += room;
    if (lane.sent === total) {
      lane.messages.shift();
      lane.sent = 0;
      lane.part = 0;
      lane.at = 0;
    }
  }
}

/** Whether the rest of what is being sent is in memory still. The program may have moved it elsewhere (`transfer`), or released the lease that it lies in. */
function isThere({ messages, sent, part, at }: Lane): boolean {
  const { parts, total } = messages[0]!;
  let left = -at;
  for (let i = part; i < parts.length; i++) left += parts[i]!.length;
  return left === total - sent;
}
