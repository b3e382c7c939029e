/** Stands between a host and its worker's socket, and lets faults happen to the frames that pass. */
import { createServer, connect as dial, type Socket } from "node:net";
import { FrameReader, HEADER_BYTES, Kind, writeHeader } from "../carrier/frame.ts";
import { corrupted, type FaultOptions, fateOf } from "./faults.ts";
import type { Random } from "./random.ts";

/** Between two attempts while the worker does not listen yet, in milliseconds. */
const RETRY_MS = 3;

/** A proxy that listens. */
export interface Proxy {
  /** Ends it with every connection through it. */
  close(): void;
}

/** Listens at `path` and leads every connection on to `target`, where somebody will listen. */
export function openProxy(path: string, target: string, options: FaultOptions, random: Random): Promise<Proxy> {
  const passages = new Set<Passage>();
  let closed = false;
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    const passage = new Passage(socket, options, random.fork());
    passages.add(passage);
    socket.once("close", () => passages.delete(passage));
    void passage.open(target, () => closed);
  });
  const close = (): void => {
    closed = true;
    server.close();
    for (const passage of passages) passage.end();
  };
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve({ close }));
  });
}

/** One connection through the proxy. Until the worker has said hello on it, and on the lifeline for ever, it changes nothing. */
class Passage {
  readonly #host: Socket;
  readonly #options: FaultOptions;
  readonly #random: Random;
  #worker: Socket | undefined;
  #met = false;
  #ended = false;

  constructor(host: Socket, options: FaultOptions, random: Random) {
    this.#host = host;
    this.#options = options;
    this.#random = random;
    host.on("error", () => {});
    host.once("close", () => this.end());
  }

  async open(target: string, isOver: () => boolean): Promise<void> {
    let worker = await reach(target);
    while (worker === undefined && !isOver() && !this.#ended) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      worker = await reach(target);
    }
    if (worker === undefined || this.#ended) {
      worker?.destroy();
      this.end();
      return;
    }
    this.#worker = worker;
    worker.on("error", () => {});
    this.#lead(this.#host, worker, this.#random.fork());
    this.#lead(worker, this.#host, this.#random.fork());
  }

  /** Ends both connections at once. */
  end(): void {
    this.#ended = true;
    this.#host.destroy();
    this.#worker?.destroy();
  }

  /** Leads frames one way, in order. */
  #lead(from: Socket, to: Socket, random: Random): void {
    const waiting: Uint8Array[] = [];
    let busy = false;
    let over = false;
    const pump = async (): Promise<void> => {
      busy = true;
      from.pause();
      for (let frame = waiting.shift(); frame !== undefined && !this.#ended; frame = waiting.shift()) await this.#pass(frame, to, random);
      busy = false;
      if (over) to.end(() => this.end());
      else from.resume();
    };
    const reader = new FrameReader({
      frame(bytes, kind, flags, prefix, call, aux, start, end) {
        const frame = new Uint8Array(HEADER_BYTES + end - start);
        writeHeader(frame, 0, end - start, kind, flags, prefix, call, aux);
        frame.set(bytes.subarray(start, end), HEADER_BYTES);
        waiting.push(frame);
      },
    });
    from.on("data", (data: Buffer) => {
      try {
        reader.read(data, data.length);
      } catch {
        // What is no frame on its way in is none on its way out.
        waiting.push(data);
      }
      if (!busy) void pump();
    });
    from.once("end", () => {
      over = true;
      if (!busy) void pump();
    });
    from.once("close", () => {
      if (!over) this.end();
    });
    from.resume();
  }

  async #pass(frame: Uint8Array, to: Socket, random: Random): Promise<void> {
    const fate = this.#met ? fateOf(frame, this.#options, random) : "pass";
    if (frame[4] === Kind.HELLO && to === this.#host) this.#met = true;
    switch (fate) {
      case "drop":
        await this.#last(new Uint8Array(0), to);
        return;
      case "cut":
        await this.#last(frame.subarray(0, frame.length >> 1), to);
        return;
      case "corrupt":
        await write(to, corrupted(frame, random));
        return;
      case "duplicate":
        await write(to, frame);
        break;
      case "delay":
        await new Promise((resolve) => setTimeout(resolve, random.next() * (this.#options.delayMs ?? 20)));
        break;
      case "pass":
    }
    await write(to, frame);
  }

  /** Sends these bytes as the last ones. */
  async #last(bytes: Uint8Array, to: Socket): Promise<void> {
    await new Promise<void>((resolve) => to.end(bytes, resolve));
    this.end();
  }
}

/** Resolves when there is room for more, or the socket is gone. */
function write(to: Socket, bytes: Uint8Array): Promise<void> {
  if (to.destroyed || to.write(bytes)) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      to.off("drain", done);
      to.off("close", done);
      resolve();
    };
    to.on("drain", done);
    to.on("close", done);
  });
}

/** A connection, or undefined when nobody listens there yet. */
function reach(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = dial({ path });
    socket.pause();
    socket.once("error", () => resolve(undefined));
    socket.once("connect", () => resolve(socket));
  });
}
