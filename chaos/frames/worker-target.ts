/** Real Python workers to throw bytes at, each made in milliseconds by chaos/programs/farm.py. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { fromBinary } from "@bufbuild/protobuf";
import { pythonEnvironment } from "../../src/adapter/python-environment.ts";
import { copyBytes, FrameReader, Kind } from "../../src/carrier/frame.ts";
import { helloFrame } from "../../src/carrier/local/hello.ts";
import type { Frame } from "../../src/carrier/testing-peer.ts";
import { HostHello_Role, WorkerHelloSchema } from "../../src/gen/snakepit/v1/frame_pb.ts";
import { pause, python, tools } from "../support.ts";

const PATIENCE_MS = 10_000;
/** Small, so that what a worker may keep of a host that has gone wrong is small. */
export const LIMITS = { maxMessageBytes: 1 << 20, maxBufferBytes: 1 << 20, streamWindowBytes: 1 << 20 };

/** Makes workers. */
export class Farm {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #ends = new Map<string, (code: number) => void>();
  #made = 0;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "farm-"));
    this.#child = spawn(python, [fileURLToPath(new URL("../programs/farm.py", import.meta.url)), tools], {
      env: pythonEnvironment(),
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const [path = "", code] = line.split(" ");
      this.#ends.get(path)?.(Number(code));
      this.#ends.delete(path);
    });
  }

  /** Starts one. It listens soon. */
  start(): { readonly path: string; readonly exited: Promise<number> } {
    const path = join(this.#folder, String(this.#made++));
    const exited = new Promise<number>((resolve) => this.#ends.set(path, resolve));
    this.#child.stdin!.write(`${path}\n`);
    return { path, exited };
  }

  /** How many were started. */
  get made(): number {
    return this.#made;
  }

  /** What one has written. */
  said(path: string): string {
    try {
      return readFileSync(`${path}.log`, "utf8");
    } catch {
      return "";
    }
  }

  async close(): Promise<void> {
    const closed = once(this.#child, "close");
    this.#child.stdin!.end();
    await closed;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const localWorker = (path: string) => ({
  socketPath: path,
  token: "0".repeat(64),
  workerId: "w",
  pool: "p",
  tools: [tools],
  threads: 1,
  graceMs: 200,
});

/** The frames that a data connection starts with, and that its lifeline does. */
export const dataHello = (path: string): Uint8Array => helloFrame(localWorker(path), HostHello_Role.DATA, LIMITS);
export const lifelineHello = (path: string): Uint8Array => helloFrame(localWorker(path), HostHello_Role.LIFELINE, LIMITS);

/** Connects as soon as somebody listens. */
export async function reach(path: string): Promise<Socket> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      socket.on("error", () => {});
      return socket;
    } catch (error) {
      if (performance.now() > until) throw error;
      await pause(2);
    }
  }
}

/** A worker that has said hello, and what it says from there on. */
export class Target {
  readonly path: string;
  readonly exited: Promise<number>;
  readonly pid: number;
  /** Hears each frame. */
  onFrame: (frame: Frame) => void = () => {};
  readonly closed: Promise<void>;
  readonly #data: Socket;
  readonly #lifeline: Socket;

  private constructor(path: string, exited: Promise<number>, data: Socket, lifeline: Socket, pid: number, closed: Promise<void>) {
    this.path = path;
    this.exited = exited;
    this.#data = data;
    this.#lifeline = lifeline;
    this.pid = pid;
    this.closed = closed;
  }

  static async open(farm: Farm): Promise<Target> {
    const { path, exited } = farm.start();
    const data = await reach(path);
    let target: Target | undefined;
    const { promise: hello, resolve: greet } = Promise.withResolvers<Frame>();
    const reader = new FrameReader({
      frame(bytes, kind, flags, prefix, call, aux, start, end) {
        const frame = { kind, flags, prefix, call, aux, body: copyBytes(bytes, start, end) };
        if (target === undefined && kind === Kind.HELLO) greet(frame);
        else target?.onFrame(frame);
      },
    });
    data.on("data", (bytes: Buffer) => reader.read(bytes, bytes.length));
    const closed = new Promise<void>((resolve) => data.once("close", () => resolve()));
    data.write(dataHello(path));
    const lifeline = await reach(path);
    lifeline.write(lifelineHello(path));
    const { body } = await hello;
    target = new Target(path, exited, data, lifeline, fromBinary(WorkerHelloSchema, body).pid, closed);
    return target;
  }

  send(bytes: Uint8Array): void {
    this.#data.write(bytes);
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#data.end();
  }

  /** Lets go of it at once: the kernel ends what is left. */
  drop(): void {
    this.#data.destroy();
    this.#lifeline.destroy();
  }
}
