/** One worker without a process: it listens on its socket as Python does, and runs functions of this program. */
import { createServer, type Server, type Socket } from "node:net";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createServiceImplSpec, type ServiceImpl } from "@connectrpc/connect";
import { CallServer } from "../carrier/call-server.ts";
import { Kind, PROTOCOL_VERSION } from "../carrier/frame.ts";
import { DEFAULT_LIMITS, Link, Mark } from "../carrier/link.ts";
import { limitsOf } from "../carrier/local/hello.ts";
import { HostHello_Role, HostHelloSchema, WorkerHelloSchema } from "../gen/snakepit/v1/frame_pb.ts";
import type { Tool } from "../gen/snakepit/v1/tool_pb.ts";
import { WorkerService } from "../gen/snakepit/v1/worker_pb.ts";
import type { StreamSocket } from "../runtime/socket.ts";
import type { ProcessExit, WorkerOrder, WorkerProcess } from "../worker/launch.ts";
import { fakePid } from "./processes.ts";
import { ToolServer } from "./tool-server.ts";
import type { ServedTool } from "./tools.ts";

/** Starts one. It listens when the promise resolves. */
export async function startMemoryWorker(order: WorkerOrder, tools: ReadonlyMap<string, ServedTool>): Promise<WorkerProcess> {
  const worker = new MemoryWorker(order.workerId, tools);
  await worker.listen(order.socketPath);
  return worker;
}

class MemoryWorker implements WorkerProcess {
  readonly pid: number;
  readonly startedBy = "spawn";
  readonly exited: Promise<ProcessExit>;
  readonly #id: string;
  readonly #tools: ReadonlyMap<string, ServedTool>;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  readonly #since = performance.now();
  readonly #forget: () => void;
  readonly #end: (exit: ProcessExit) => void;

  constructor(id: string, tools: ReadonlyMap<string, ServedTool>) {
    this.#id = id;
    this.#tools = tools;
    const { promise, resolve } = Promise.withResolvers<ProcessExit>();
    this.exited = promise;
    this.#end = resolve;
    const fake = fakePid(() => this.kill("SIGKILL"));
    this.pid = fake.pid;
    this.#forget = fake.forget;
    this.#server = createServer((socket) => this.#greet(socket));
  }

  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(path, resolve);
    });
  }

  writeStdin(): void {}

  kill(signal: "SIGTERM" | "SIGKILL"): void {
    this.#exit({ exitCode: null, signal });
  }

  memoryBytes(): Promise<number> {
    return Promise.resolve(0);
  }

  #exit(exit: ProcessExit): void {
    this.#forget();
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#end(exit);
  }

  #greet(socket: Socket): void {
    this.#sockets.add(socket);
    const link = new Link(DEFAULT_LIMITS, this.#id, Mark.TOOL);
    let isData = false;
    link.onClosed = () => {
      this.#sockets.delete(socket);
      // As Python does when its host has gone.
      if (isData) this.#exit({ exitCode: 1, signal: null });
    };
    link.control = {
      control: (bytes, kind, _call, _aux, start, end) => {
        if (kind === Kind.HELLO) {
          const { role, limits } = fromBinary(HostHelloSchema, bytes.subarray(start, end));
          if (role !== HostHello_Role.DATA) return;
          isData = true;
          link.peer = limitsOf(limits);
          this.#serve(link);
        } else if (kind === Kind.SHUTDOWN) this.#exit({ exitCode: 0, signal: null });
      },
    };
    socket.on("data", (data: Buffer) => link.onData(data, data.length));
    socket.on("drain", () => link.onDrain());
    let failure: Error | undefined;
    socket.on("error", (error) => {
      failure = error;
    });
    socket.once("close", () => link.onClose(failure));
    link.open(asStream(socket));
  }

  #serve(link: Link): void {
    const tools = new ToolServer(link, this.#id, this.#tools);
    link.tools = tools;
    const handlers: Partial<ServiceImpl<typeof WorkerService>> = {
      ping: ({ message }) => ({ message, serverTimeMs: BigInt(Date.now()) }),
      health: () => ({
        pid: this.pid,
        uptimeMs: BigInt(Math.round(performance.now() - this.#since)),
        running: tools.running,
        cancelled: tools.cancelled,
        calls: BigInt(tools.ended),
      }),
      listTools: () => ({ tools: this.#specs() }),
      initializeSession: () => ({ created: true, tools: this.#specs() }),
      cleanupSession: () => ({ success: true }),
    };
    link.host = new CallServer(link, [createServiceImplSpec(WorkerService, handlers)]);
    const { maxMessageBytes, maxBufferBytes, streamWindowBytes } = link.limits;
    const hello = create(WorkerHelloSchema, {
      protocol: PROTOCOL_VERSION,
      workerId: this.#id,
      pid: this.pid,
      tools: this.#specs(),
      limits: { maxMessageBytes: BigInt(maxMessageBytes), maxBufferBytes: BigInt(maxBufferBytes), streamWindowBytes },
    });
    link.writer.message(Kind.HELLO, 0, 0, 0, 0, [toBinary(WorkerHelloSchema, hello)]);
  }

  #specs(): Tool[] {
    return Array.from(this.#tools.values(), ({ spec }) => spec);
  }
}

/** A socket as connections write to it. */
function asStream(socket: Socket): StreamSocket {
  return {
    get waiting() {
      return socket.writableLength;
    },
    write(data) {
      socket.write(data);
      return socket.writableLength === 0;
    },
    cork: () => socket.cork(),
    uncork: () => socket.uncork(),
    destroy: () => socket.destroy(),
  };
}
