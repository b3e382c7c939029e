import { afterAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@connectrpc/connect";
import { ConnectionLost } from "../../errors/index.ts";
import { fromConnectError } from "../../errors/wire.ts";
import { HostHelloSchema, type Log } from "../../gen/snakepit/v1/frame_pb.ts";
import { WorkerService } from "../../gen/snakepit/v1/worker_pb.ts";
import { decode, Encoder } from "../../value/index.ts";
import type { CarrierLimits, Connection } from "../carrier.ts";
import { copyBytes, Kind } from "../frame.ts";
import { DEFAULT_LIMITS } from "../link.ts";
import { OutgoingArguments } from "../outgoing.ts";
import { body, frameBytes, listen, Peer, startCall, TestCall } from "../testing-peer.ts";
import { dialWorker } from "./dial.ts";
import type { LocalWorker } from "./hello.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const folder = await mkdtemp(join(tmpdir(), "dial-"));
/** Where a link leads; an empty text when it is gone. */
function readlinkOrNothing(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

const toolFile = join(folder, "tools.py");
const brokenFile = join(folder, "broken.py");
await writeFile(
  toolFile,
  `
import asyncio, time
from collections.abc import AsyncIterator, Iterator
import snakepit
from snakepit import tool

@tool
def echo(x: object) -> object:
    return x

@tool
def count(n: int) -> Iterator[int]:
    yield from range(n)

@tool
def total(numbers: Iterator[float]) -> float:
    return sum(numbers)

@tool
def double(numbers: Iterator[object]) -> Iterator[object]:
    for n in numbers:
        yield [n, n]

@tool
def first(numbers: Iterator[int]) -> int:
    return next(numbers)

@tool
async def wait(key: int) -> int:
    await asyncio.sleep(key % 5 / 1000)
    return key

@tool
def spin(key: int) -> int:
    return key
`,
);
await writeFile(brokenFile, `print("about to break")\nraise RuntimeError("broken on purpose")\n`);
afterAll(() => rm(folder, { recursive: true }));

interface Started {
  readonly worker: LocalWorker;
  readonly child: ChildProcess;
  readonly logs: Log[];
  /** What the process wrote to stderr. */
  readonly said: () => string;
  dial(change?: Partial<LocalWorker>, signal?: AbortSignal, limits?: CarrierLimits): Promise<Connection>;
  [Symbol.asyncDispose](): Promise<void>;
}

let started = 0;

/** A worker's process that waits to be reached. */
function start(tools = toolFile): Started {
  const token = randomBytes(32).toString("hex");
  const socketPath = join(folder, `s${++started}`);
  const worker = { socketPath, token, workerId: `w${started}`, pool: "p", tools: [tools], threads: 1, graceMs: 500 };
  const child = spawn(join(root, ".venv/bin/python"), ["-m", "snakepit.worker", "--socket", socketPath], {
    env: { ...process.env, PYTHONPATH: join(root, "python/src") },
    stdio: ["pipe", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (data: Buffer) => {
    stderr += data.toString();
  });
  child.stdin.write(`${token}\n`);
  const exited = once(child, "exit");
  const logs: Log[] = [];
  const open: Connection[] = [];
  return {
    worker,
    child,
    logs,
    said: () => stderr,
    async dial(change = {}, signal, limits: CarrierLimits = DEFAULT_LIMITS) {
      const events = { onLog: (log: Log) => void logs.push(log), onGoing() {}, onClose() {} };
      const connection = await dialWorker({ ...worker, ...change }, { limits, events, handlers: {} }, signal);
      open.push(connection);
      return connection;
    },
    async [Symbol.asyncDispose]() {
      for (const connection of open) connection.close();
      child.stdin.end();
      child.kill();
      await exited;
    },
  };
}

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error("it did not fail");
    },
    (error: unknown) => error,
  );

describe("dialling", () => {
  test("waits until the worker listens and gives its hello", async () => {
    await using python = start();
    const { hello } = await python.dial();
    expect(hello).toMatchObject({ protocol: 1, workerId: python.worker.workerId, pid: python.child.pid! });
    expect(hello.pythonVersion).toMatch(/^3\.\d+\.\d+/);
    expect(hello.tools.map(({ name, streaming }) => [name, streaming])).toContainEqual(["count", true]);
  });

  test("gives a hello of any length", async () => {
    const many = join(folder, "many.py");
    const tool = (i: number): string =>
      `@tool\ndef tool_${i}(x: int) -> int:\n    """${"Long description. ".repeat(40)}"""\n    return x\n`;
    await writeFile(many, `from snakepit import tool\n${Array.from({ length: 600 }, (_, i) => tool(i)).join("\n")}`);
    await using python = start(many);
    const connection = await python.dial();
    expect(connection.hello.tools).toHaveLength(600);
    expect(await startCall(connection, "tool_599", { x: 3 }).outcome).toBe(3);
  });

  test("fails with the import error of the tools, after what they printed", async () => {
    await using python = start(brokenFile);
    const error = await rejection(python.dial());
    expect(error).toMatchObject({ _tag: "WorkerStartFailed", type: "RuntimeError", worker: python.worker.workerId });
    expect(error).toHaveProperty("traceback", expect.stringContaining("broken on purpose"));
    expect(python.logs.map(({ text }) => text)).toContain("about to break");
  });

  test("ends with the reason of its signal while nobody listens, and while the worker says nothing", async () => {
    const nobody = { socketPath: join(folder, "nobody"), token: "00", workerId: "w", pool: "p", tools: [], threads: 1, graceMs: 1 };
    const options = { limits: DEFAULT_LIMITS, events: { onLog() {}, onGoing() {}, onClose() {} }, handlers: {} };
    const controller = new AbortController();
    const dialled = rejection(dialWorker(nobody, options, controller.signal));
    controller.abort(new Error("enough"));
    expect(await dialled).toHaveProperty("message", "enough");

    const connected = Promise.withResolvers<Peer>();
    const server = await listen((socket) => connected.resolve(new Peer(socket)));
    const second = new AbortController();
    const silent = rejection(dialWorker({ ...nobody, socketPath: server.path }, options, second.signal));
    const peer = await connected.promise;
    await peer.frames.take();
    second.abort(new Error("too long"));
    expect(await silent).toHaveProperty("message", "too long");
    await peer.closed;
    await server.close();
  });

  test("with a wrong token, and random bytes on the socket, are refused and disturb nobody", async () => {
    await using python = start();
    expect(await rejection(python.dial({ token: "ab".repeat(32) }))).toBeInstanceOf(ConnectionLost);
    for (let i = 0; i < 20; i++) {
      const socket = connect(python.worker.socketPath);
      socket.on("error", () => {});
      const closed = new Promise((resolve) => socket.on("close", resolve));
      socket.write(randomBytes(1 + i * 50));
      socket.end();
      await closed;
    }
    const connection = await python.dial();
    expect(await startCall(connection, "echo", { x: 1 }).outcome).toBe(1);
    expect(python.said()).toContain("a wrong token");
    expect(python.said()).toContain("refused");
  });

  test("a worker of another version fails with both versions", async () => {
    await using python = start();
    // Nothing but its socket is needed; the real dial would never say this.
    const signal = AbortSignal.timeout(10_000);
    while (!signal.aborted) {
      const socket = connect(python.worker.socketPath);
      const isOpen = await new Promise((resolve) => socket.once("connect", () => resolve(true)).once("error", () => resolve(false)));
      if (!isOpen) continue;
      const peer = new Peer(socket);
      const token = Buffer.from(python.worker.token, "hex");
      socket.write(frameBytes({ kind: Kind.HELLO, body: body(HostHelloSchema, { protocol: 99, token, role: 1 }) }));
      const answer = await peer.frames.take();
      expect(answer.kind).toBe(Kind.HELLO);
      expect(Buffer.from(answer.body).toString("latin1")).toContain("the host speaks version 99");
      await peer.closed;
      break;
    }
    expect((await python.dial()).hello.protocol).toBe(1);
  });

  test("closing the connection ends the worker", async () => {
    await using python = start();
    const connection = await python.dial();
    const exited = once(python.child, "exit");
    connection.close();
    await exited;
  });
});

/** A streaming call whose items are taken as they come. */
class TakenCall extends TestCall {
  private readonly connection: Connection;

  constructor(connection: Connection, tool: string, args: unknown) {
    super(tool, args, true);
    this.connection = connection;
    connection.start(this);
  }

  override onItems(values: readonly unknown[], cost: number): void {
    super.onItems(values, cost);
    this.connection.release(this, cost);
  }
}

async function* from<T>(values: Iterable<T>): AsyncGenerator<T> {
  yield* values;
}

describe("with a Python worker", () => {
  test("values of every size come back as they went", async () => {
    await using python = start();
    const connection = await python.dial();
    for (const x of [
      1,
      "ä".repeat(50_000),
      "x".repeat(300_000),
      new Uint8Array(100),
      new Uint8Array(5_000_000).fill(3),
      new Float64Array(30_000).fill(0.25),
      { list: Array(200_000).fill(1.5) },
    ]) {
      expect(await startCall(connection, "echo", { x }).outcome).toEqual(x);
    }
  });

  test("streams flow in both directions", async () => {
    await using python = start();
    const connection = await python.dial();
    const count = new TakenCall(connection, "count", { n: 20_000 });
    expect(await count.outcome).toEqual([...Array(20_000).keys()]);
    expect(await startCall(connection, "total", { numbers: from(Array(5000).fill(2)) }).outcome).toBe(10_000);
    const double = new TakenCall(connection, "double", { numbers: from([1, "x".repeat(500_000), new Uint8Array(100_000)]) });
    expect(await double.outcome).toEqual([
      [1, 1],
      ["x".repeat(500_000), "x".repeat(500_000)],
      [new Uint8Array(100_000), new Uint8Array(100_000)],
    ]);
  });

  test("a tool that takes one item of an endless stream ends it", async () => {
    await using python = start();
    const connection = await python.dial();
    const left = Promise.withResolvers<void>();
    const endless = async function* () {
      try {
        for (let i = 7; ; i++) yield i;
      } finally {
        left.resolve();
      }
    };
    expect(await startCall(connection, "first", { numbers: endless() }).outcome).toBe(7);
    await left.promise;
  });

  test("an input stream that throws reaches the tool, and its error comes back as the cause", async () => {
    await using python = start();
    const connection = await python.dial();
    const cause = new RangeError("source broke");
    const source = async function* () {
      yield 1;
      throw cause;
    };
    const error = await startCall(connection, "total", { numbers: source() }).error();
    expect(error).toMatchObject({ _tag: "InputError", argument: "numbers", cause });
  });

  test("a stream that nobody takes stops its tool and keeps no other call back", async () => {
    await using python = start();
    const connection = await python.dial();
    const stopped = startCall(connection, "count", { n: 1_000_000 }, true);
    await stopped.arrival();
    for (let i = 0; i < 200; i++) expect(await startCall(connection, "echo", { x: i }).outcome).toBe(i);
    expect(stopped.items.length).toBeLessThan(3000);
    connection.cancel(stopped);
    expect(await startCall(connection, "echo", { x: "on" }).outcome).toBe("on");
  });

  test("a ping behind a message of 60 MB does not wait for it", async () => {
    await using python = start();
    const connection = await python.dial();
    const client = createClient(WorkerService, connection.transport);
    const big = startCall(connection, "echo", { x: "x".repeat(60_000_000) });
    expect((await client.ping({ message: "quick" })).message).toBe("quick");
    expect(big.ends).toBe(0);
    expect(await big.outcome).toHaveLength(60_000_000);
  });

  test("10,000 cancels that race with the end of their calls touch no other call", async () => {
    await using python = start();
    const connection = await python.dial();
    const calls: TestCall[] = [];
    const cancelled = new Set<TestCall>();
    for (let round = 0; round < 100; round++) {
      const batch = Array.from({ length: 200 }, (_, i) => startCall(connection, i % 2 === 0 ? "spin" : "wait", { key: round * 200 + i }));
      calls.push(...batch);
      // The first answers come while the rest is cancelled.
      await batch[round % 200]!.outcome;
      for (const [i, call] of batch.entries()) {
        if ((i + round) % 2 === 0 || call.ends > 0) continue;
        connection.cancel(call);
        cancelled.add(call);
      }
    }
    const kept = calls.filter((call) => !cancelled.has(call));
    const results = await Promise.all(kept.map((call) => call.outcome));
    expect(results.filter((result, i) => result !== calls.indexOf(kept[i]!)).length).toBe(0);
    expect([...cancelled].filter((call) => call.ends > 0)).toEqual([]);
    expect(connection.inFlight).toBe(0);
  }, 60_000);

  test("generated clients are given copies of what the worker shares", async () => {
    await using python = start();
    const connection = await python.dial({}, undefined, { ...DEFAULT_LIMITS, sharedMemoryBytes: 8_000_000 });
    const client = createClient(WorkerService, connection.transport);
    const value = new Uint8Array(2_000_000).fill(7);
    const args = copyBytes(new Encoder().encode({ x: value }, new OutgoingArguments()));
    const buffers = [{ dtype: "u1", shape: [BigInt(value.length)], location: { case: "inline", value } as const }];
    for (let i = 0; i < 20; i++) {
      const [back] = (await client.executeTool({ tool: "echo", args, buffers })).buffers;
      expect(back?.location.case).toBe("inline");
      expect(Buffer.compare(back?.location.value as Uint8Array, value)).toBe(0);
    }
  });

  test("what is shared comes back from generated clients that leave before the answer", async () => {
    await using python = start();
    const connection = await python.dial({}, undefined, { ...DEFAULT_LIMITS, sharedMemoryBytes: 32_000_000 });
    const client = createClient(WorkerService, connection.transport);
    const value = new Uint8Array(1_000_000);
    const args = copyBytes(new Encoder().encode({ x: value }, new OutgoingArguments()));
    const buffers = [{ dtype: "u1", shape: [BigInt(value.length)], location: { case: "inline", value } as const }];
    const { pid } = python.child;
    const segments = (): number =>
      readdirSync(`/proc/${pid}/fd`).filter((fd) => readlinkOrNothing(`/proc/${pid}/fd/${fd}`).includes("memfd:snakepit")).length;
    for (let n = 0; n < 60; n++) {
      const left = new AbortController();
      const call = client.executeTool({ tool: "echo", args, buffers }, { signal: left.signal }).catch(() => {});
      // Before, while and after the worker makes its answer.
      for (let turns = n % 12; turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
      left.abort();
      await call;
    }
    await client.executeTool({ tool: "echo", args, buffers });
    // Those that nobody had returned would fill the budget: some thirty. A few calls may overlap.
    expect(segments()).toBeLessThan(8);
  });

  test("generated clients call tools too, with buffers of any size", async () => {
    await using python = start();
    const connection = await python.dial();
    const client = createClient(WorkerService, connection.transport);
    const args = copyBytes(new Encoder().encode({ x: 5 }));
    const answer = await client.executeTool({ tool: "echo", args });
    expect(decode(answer.result)).toBe(5);
    const error = await client.executeTool({ tool: "ecko", args }).catch((error: unknown) => error);
    expect(error instanceof Error && fromConnectError(error as never)).toMatchObject({ _tag: "ToolNotFound", nearest: ["echo"] });
    const items: unknown[] = [];
    const request = { tool: "count", args: copyBytes(new Encoder().encode({ n: 3000 })) };
    for await (const message of client.executeToolStream(from([request]))) items.push(...message.items.map((item) => decode(item)));
    expect(items).toEqual([...Array(3000).keys()]);
  });
});
