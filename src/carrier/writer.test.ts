import { describe, expect, test } from "bun:test";
import type { StreamSocket } from "../runtime/socket.ts";
import { copyBytes, Flag, FrameReader, Kind, MAX_BODY_BYTES, readUint32 } from "./frame.ts";
import type { Frame } from "./testing-peer.ts";
import { FrameWriter } from "./writer.ts";

/** A socket whose kernel takes bytes when the test says so. */
class SlowSocket implements StreamSocket {
  waiting = 0;
  writes = 0;
  mostWaiting = 0;
  isSlow = false;
  readonly frames: Frame[] = [];
  private held: Uint8Array[] = [];
  private readonly reader = new FrameReader({
    frame: (bytes, kind, flags, prefix, call, aux, start, end) =>
      this.frames.push({ kind, flags, prefix, call, aux, body: copyBytes(bytes, start, end) }),
  });

  write(data: Uint8Array): boolean {
    this.writes++;
    if (!this.isSlow) {
      this.reader.read(data, data.length);
      return true;
    }
    this.held.push(data);
    this.waiting += data.length;
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
    return false;
  }

  take(): void {
    const { held } = this;
    this.held = [];
    this.waiting = 0;
    for (const data of held) this.reader.read(data, data.length);
  }

  cork(): void {}
  uncork(): void {}
  destroy(): void {}
}

const turn = (): Promise<void> => Promise.resolve();

describe("FrameWriter", () => {
  test("sends the small frames of one turn in one write, and every 16 early", async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket);
    for (let i = 1; i <= 10; i++) writer.control(Kind.CREDIT, 0, i, i);
    expect(socket.writes).toBe(0);
    await turn();
    expect(socket.writes).toBe(1);
    for (let i = 1; i <= 20; i++) writer.message(Kind.MESSAGE, 0, 0, i, 1, [Uint8Array.of(i)]);
    expect(socket.writes).toBe(2);
    await turn();
    expect(socket.writes).toBe(3);
    expect(socket.frames.map((frame) => frame.call)).toEqual([...Array(10).keys(), ...Array(20).keys()].map((i) => i + 1));
  });

  test("does not write over frames that the socket still holds", async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket);
    socket.isSlow = true;
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 100; i++) writer.message(Kind.MESSAGE, 0, 0, round + 1, 1, [new Uint8Array(1000).fill(i)]);
      await turn();
    }
    socket.take();
    expect(socket.frames).toHaveLength(500);
    expect(socket.frames.every((frame, i) => frame.body.every((byte) => byte === i % 100))).toBe(true);
  });

  test("cuts a large message into pieces that give it back, and copies none of its memory", async () => {
    const socket = new SlowSocket();
    const data = new Uint8Array(1_000_003).map((_, i) => i);
    new FrameWriter(socket).message(Kind.EXECUTE, 0, 9, 5, 77, [data.subarray(0, 10), data.subarray(10)]);
    await turn();
    const [first, ...rest] = socket.frames;
    expect(first).toMatchObject({ kind: Kind.EXECUTE, flags: Flag.CUT, prefix: 9, call: 5, aux: 77 });
    expect(readUint32(first!.body, 0)).toBe(data.length);
    expect(socket.frames.every((frame) => frame.body.length <= MAX_BODY_BYTES)).toBe(true);
    expect(rest.every((frame) => frame.kind === Kind.PART && frame.call === 5 && frame.flags === 0)).toBe(true);
    expect(Buffer.compare(Buffer.concat([first!.body.subarray(4), ...rest.map((frame) => frame.body)]), data)).toBe(0);
  });

  test("gives a piece of each large message in turn, keeps the order within a call, and lets small frames overtake", async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket);
    socket.isSlow = true;
    for (const call of [1, 2]) writer.message(Kind.EXECUTE, 0, 0, call, 0, [new Uint8Array(800_000)]);
    writer.message(Kind.MESSAGE, 0, 1, 1, 1, [Uint8Array.of(1)]);
    await turn();
    writer.control(Kind.CANCEL, 0, 3, 0);
    while (socket.waiting > 0) {
      socket.take();
      writer.drained();
    }
    const calls = socket.frames.map((frame) => frame.call);
    expect(calls.slice(0, 3)).toEqual([1, 3, 2]);
    expect(calls.slice(3)).toEqual([1, 2, 1, 2, 1, 2, 1]);
    expect(socket.frames.at(-1)?.kind).toBe(Kind.MESSAGE);
  });

  test("hands a slow socket no more than a few pieces of a message of any size", async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket);
    socket.isSlow = true;
    writer.message(Kind.EXECUTE, 0, 0, 1, 0, [new Uint8Array(64_000_000)]);
    await turn();
    for (; socket.waiting > 0; writer.drained()) socket.take();
    expect(socket.frames.reduce((sum, frame) => sum + frame.body.length, 0)).toBe(64_000_004);
    expect(socket.mostWaiting).toBeLessThan(3 * MAX_BODY_BYTES);
  });

  test("forgets what waits of a dropped call and nothing else", async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket);
    socket.isSlow = true;
    for (const call of [1, 2]) writer.message(Kind.EXECUTE, 0, 0, call, 0, [new Uint8Array(600_000)]);
    await turn();
    writer.drop(1);
    writer.control(Kind.CANCEL, 0, 1, 0);
    for (; socket.waiting > 0; writer.drained()) socket.take();
    socket.take();
    expect(socket.frames.filter((frame) => frame.call === 1).map((frame) => frame.kind)).toEqual([Kind.EXECUTE, Kind.CANCEL]);
    expect(socket.frames.filter((frame) => frame.call === 2)).toHaveLength(3);
  });

  test("sends no more of a call whose memory is gone, says so, and goes on with the others", async () => {
    const socket = new SlowSocket();
    const gone: number[] = [];
    const writer = new FrameWriter(socket, (call) => gone.push(call));
    socket.isSlow = true;
    const data = new Uint8Array(600_000);
    for (const [call, part] of [data, new Uint8Array(600_000)].entries()) writer.message(Kind.ATTACH, 0, 0, call + 1, 0, [part]);
    await turn();
    socket.take();
    structuredClone(data.buffer, { transfer: [data.buffer] });
    for (writer.drained(); socket.waiting > 0; writer.drained()) socket.take();
    expect(gone).toEqual([1]);
    expect(writer.waits(1)).toBe(false);
    expect(socket.frames.filter((frame) => frame.call === 1).length).toBeLessThan(3);
    expect(socket.frames.filter((frame) => frame.call === 2)).toHaveLength(3);
  });

  test("sends an empty message behind a large one of its call", async () => {
    const socket = new SlowSocket();
    const writer = new FrameWriter(socket);
    writer.message(Kind.EXECUTE_STREAM, 0, 0, 1, 0, [new Uint8Array(300_000)]);
    writer.message(Kind.END, 0, 0, 1, 0, []);
    await turn();
    expect(socket.frames.map((frame) => frame.kind)).toEqual([Kind.EXECUTE_STREAM, Kind.PART, Kind.END]);
  });
});
