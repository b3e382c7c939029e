/** How a host reaches a worker that listens on a Unix socket. docs/protocol.md, "Starting", is the contract. */
import { create } from "@bufbuild/protobuf";
import { ConnectionLost, ProtocolError } from "../../errors/index.ts";
import { memberFromDetail } from "../../errors/wire.ts";
import { HostHello_Role, LogSchema } from "../../gen/snakepit/v1/frame_pb.ts";
import { memoryMapper } from "../../runtime/memory-map.ts";
import { connectUnix, type SocketEvents, type StreamSocket } from "../../runtime/socket.ts";
import type { Connection, ConnectionOptions } from "../carrier.ts";
import { WorkerConnection } from "../connection.ts";
import { fault, Kind, PROTOCOL_VERSION } from "../frame.ts";
import { Link } from "../link.ts";
import { SharedMemory } from "../memory/shared-memory.ts";
import { readEvent } from "../tool-calls.ts";
import { helloFrame, type LocalWorker, limitsOf, readHello } from "./hello.ts";

/** Time between two attempts while the worker does not listen yet, in milliseconds. Python takes some 30 ms until it does. */
const RETRY_MS = 3;

/**
 * Connects to a worker and waits for its hello.
 *
 * Waits for the socket to appear and for the tools to be imported as long as it takes: abort `signal` when the worker has exited or took too
 * long; the promise is then rejected with its reason.
 *
 * Rejects with the worker's own error (WorkerStartFailed) when it could not start, with ProtocolError when it speaks another version, and with
 * ConnectionLost when it closes the connection before its hello.
 */
export async function dialWorker(worker: LocalWorker, options: ConnectionOptions, signal?: AbortSignal): Promise<Connection> {
  const mapper = options.limits.sharedMemoryBytes ? await memoryMapper() : "it is switched off";
  // A worker that is not asked for memory makes none, not even the page to try it with.
  const limits = typeof mapper === "string" ? { ...options.limits, sharedMemoryBytes: 0 } : options.limits;
  const link = new Link(limits, worker.workerId);
  let lifeline: StreamSocket | undefined;
  const greeted = Promise.withResolvers<Connection>();
  // It may be rejected while the sockets are still being connected.
  greeted.promise.catch(() => {});
  link.onClosed = greeted.reject;
  link.control = {
    control(bytes, kind, _call, _aux, start, end) {
      if (kind === Kind.EVENT) {
        const event = readEvent(bytes, start, end);
        if (event.case === "log") options.events.onLog(event.value);
        return;
      }
      if (kind !== Kind.HELLO) throw fault(`a frame of kind ${kind} before its hello`);
      const hello = readHello(bytes, start, end);
      if (hello.failure !== undefined) {
        greeted.reject(memberFromDetail(hello.failure));
        return;
      }
      if (hello.protocol !== PROTOCOL_VERSION) {
        throw new ProtocolError({ reason: `the host speaks version ${PROTOCOL_VERSION}, the worker version ${hello.protocol}` });
      }
      link.peer = limitsOf(hello.limits);
      // At once: the worker may call before anybody waits for its hello.
      const connection = new WorkerConnection(link, hello, options, () => lifeline?.destroy());
      if (hello.memory !== undefined && typeof mapper !== "string") {
        const memory = new SharedMemory(mapper, hello.pid, (event) => connection.send(event));
        const failure = memory.probe(hello.memory);
        if (failure === undefined) link.memory = memory;
        else
          options.events.onLog(
            create(LogSchema, { level: 20, source: "snakepit", text: `memory is not shared with this worker: ${failure}` }),
          );
      }
      greeted.resolve(connection);
    },
  };
  const hangUp = (): void => {
    link.close();
    lifeline?.destroy();
  };
  signal?.addEventListener("abort", hangUp);
  try {
    lifeline = await reach(worker, link, signal);
    const connection = await greeted.promise;
    signal?.throwIfAborted();
    return connection;
  } catch (error) {
    hangUp();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", hangUp);
  }
}

/**
 * Makes both connections to a process that listens, or will listen, and says hello on each. Gives the link its socket, and the lifeline back, which is to
 * stay open for as long as the process is to live. Rejects as {@link dialWorker} does; what it has opened then is the link's, which the caller closes.
 */
export async function reach(worker: LocalWorker, link: Link, signal: AbortSignal | undefined): Promise<StreamSocket> {
  const data = await connectWhenReady(worker.socketPath, link, signal);
  link.open(data);
  data.write(helloFrame(worker, HostHello_Role.DATA, link.limits));
  // Once the worker has taken the first connection it listens for the second, or is gone for good.
  const lifeline = await connectTo(worker.socketPath, silent);
  lifeline.write(helloFrame(worker, HostHello_Role.LIFELINE, link.limits));
  return lifeline;
}

const silent: SocketEvents = { onData() {}, onDrain() {}, onClose() {} };

/** Connects as soon as somebody listens. */
async function connectWhenReady(path: string, events: SocketEvents, signal: AbortSignal | undefined): Promise<StreamSocket> {
  for (;;) {
    signal?.throwIfAborted();
    try {
      const socket = await connectTo(path, events);
      if (signal?.aborted) socket.destroy();
      signal?.throwIfAborted();
      return socket;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof Error) || !isNotListening(error.cause)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

async function connectTo(path: string, events: SocketEvents): Promise<StreamSocket> {
  try {
    return await connectUnix(path, events);
  } catch (cause) {
    throw new ConnectionLost({ worker: path, reason: `nobody answers there (${String(cause)})` }, { cause });
  }
}

/** The worker has not made its socket yet, or has not begun to listen on it. */
function isNotListening(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ECONNREFUSED");
}
