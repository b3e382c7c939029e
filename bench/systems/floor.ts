/**
 * The floor of this machine: a raw Unix socket with length prefixes to a blocking Python echo. No ids, types, errors, deadlines or cancellation; answers come
 * in the order of the questions. A write a frame. What a library costs is its figure over this one, in the same run.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Open } from "./system.ts";

interface RawSocket {
  write(data: Uint8Array): void;
  end(): void;
}

/** `node:net`, the quickest there is on Node and Deno. */
async function netSocket(path: string, onData: (data: Buffer) => void): Promise<RawSocket> {
  const socket = connect(path);
  await once(socket, "connect");
  socket.on("data", onData);
  return { write: (data) => void socket.write(data), end: () => void socket.end() };
}

/** `Bun.connect`, which is quicker than `node:net` on Bun. */
async function bunSocket(path: string, onData: (data: Buffer) => void): Promise<RawSocket> {
  const waiting: Uint8Array[] = [];
  const drain = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const sent = socket.write(next);
      if (sent < next.length) {
        waiting[0] = next.subarray(Math.max(sent, 0));
        return;
      }
      waiting.shift();
    }
  };
  const socket = await Bun.connect({ unix: path, socket: { data: (_, data) => onData(Buffer.from(data)), drain } });
  return {
    write: (data) => {
      waiting.push(data);
      if (waiting.length === 1) drain();
    },
    end: () => void socket.end(),
  };
}

export const openFloor: Open = async (python) => {
  const folder = await mkdtemp(join(tmpdir(), "floor-"));
  const path = join(folder, "s");
  const child = spawn(python, [fileURLToPath(new URL("./floor.py", import.meta.url)), path], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");

  const answers: Array<(body: Buffer) => void> = [];
  let rest: Buffer | undefined;
  let large: Buffer | undefined;
  let have = 0;
  const onData = (data: Buffer): void => {
    let chunk = data;
    if (large !== undefined) {
      const count = Math.min(chunk.length, large.length - have);
      chunk.copy(large, have, 0, count);
      have += count;
      if (have < large.length) return;
      answers.shift()?.(large);
      large = undefined;
      chunk = chunk.subarray(count);
    }
    if (rest !== undefined) chunk = Buffer.concat([rest, chunk]);
    rest = undefined;
    let at = 0;
    while (chunk.length - at >= 4) {
      const length = chunk.readUInt32LE(at);
      if (chunk.length - at - 4 < length) {
        if (length > 65_536) {
          large = Buffer.allocUnsafe(length);
          have = chunk.copy(large, 0, at + 4);
          return;
        }
        break;
      }
      answers.shift()?.(chunk.subarray(at + 4, at + 4 + length));
      at += 4 + length;
    }
    if (at < chunk.length) rest = Buffer.from(chunk.subarray(at));
  };
  const socket = await ("Bun" in globalThis ? bunSocket : netSocket)(path, onData);

  return {
    echo: (text) =>
      new Promise((resolve) => {
        answers.push((body) => resolve(body.toString("utf8")));
        const length = Buffer.byteLength(text);
        const frame = Buffer.allocUnsafe(4 + length);
        frame.writeUInt32LE(length);
        frame.write(text, 4);
        socket.write(frame);
      }),
    blob: (data) =>
      new Promise((resolve) => {
        answers.push(resolve);
        const prefix = Buffer.allocUnsafe(4);
        prefix.writeUInt32LE(data.length);
        socket.write(prefix);
        socket.write(data);
      }),
    items: "it has no streams",
    pid: child.pid,
    close: async () => {
      const exited = once(child, "exit");
      socket.end();
      await exited;
      await rm(folder, { recursive: true });
    },
  };
};
