/**
 * Unix sockets for many small messages: bytes are read into memory that is used again, and whoever writes learns what the kernel has not taken yet.
 *
 * `node:net` with `onread` on every runtime. Measured on Bun against `Bun.connect`: the same latency, within 5 % of the calls a second, and the same
 * time for 60 MB, since large messages go in pieces.
 */
import { connect, type Socket } from "node:net";
import { BusyPoll } from "./busy-poll.ts";

/** Size of the memory that is read into. */
const READ_BYTES = 262_144;

/** A connected socket. */
export interface StreamSocket {
  /** Bytes that were written and that the kernel has not taken. */
  readonly waiting: number;
  /** Sends bytes. Answers true when their memory may be used again at once; otherwise it is kept until they are gone. */
  write(data: Uint8Array): boolean;
  /** Writes between these two may leave together. */
  cork(): void;
  uncork(): void;
  /** Closes it at once. What waits is lost. */
  destroy(): void;
}

/** What the owner of a socket hears. None of it may throw. */
export interface SocketEvents {
  /** The first `length` bytes of `data` came. They are overwritten after the call. */
  onData(data: Uint8Array, length: number): void;
  /** Everything that waited is gone. */
  onDrain(): void;
  /** It is closed, by either side. Called once, also after {@link StreamSocket.destroy}. */
  onClose(error: Error | undefined): void;
}

/** Connects to a Unix socket. Rejects with the system's error when nobody listens there. */
export function connectUnix(path: string, events: SocketEvents): Promise<StreamSocket> {
  return new Promise((resolve, reject) => {
    const busyPoll = new BusyPoll();
    const callback = (length: number, data: Uint8Array): boolean => {
      busyPoll.came();
      events.onData(data, length);
      return true;
    };
    const socket = connect({ path, onread: { buffer: new Uint8Array(READ_BYTES), callback } });
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      let failure: Error | undefined;
      socket.on("error", (error) => {
        failure = error;
      });
      socket.on("drain", () => events.onDrain());
      socket.once("close", () => events.onClose(failure));
      resolve(new NodeSocket(socket, busyPoll));
    });
  });
}

class NodeSocket implements StreamSocket {
  private readonly socket: Socket;
  private readonly busyPoll: BusyPoll;

  constructor(socket: Socket, busyPoll: BusyPoll) {
    this.socket = socket;
    this.busyPoll = busyPoll;
  }

  get waiting(): number {
    return this.socket.writableLength;
  }

  write(data: Uint8Array): boolean {
    this.socket.write(data);
    this.busyPoll.sent();
    return this.socket.writableLength === 0;
  }

  cork(): void {
    this.socket.cork();
  }

  uncork(): void {
    this.socket.uncork();
  }

  destroy(): void {
    this.socket.destroy();
  }
}
