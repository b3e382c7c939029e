/** Unix sockets on Bun. */
import type { Socket } from "bun";
import type { SocketEvents, StreamSocket } from "./stream-socket.ts";

class BunSocket implements StreamSocket {
  waiting = 0;
  private readonly socket: Socket<undefined>;
  /** What the kernel has not taken, in order. */
  private queue: Uint8Array[] = [];

  constructor(socket: Socket<undefined>) {
    this.socket = socket;
  }

  write(data: Uint8Array): boolean {
    if (this.waiting === 0) {
      // A negative answer means that it is closed; its owner hears of that by onClose.
      const sent = Math.max(this.socket.write(data), 0);
      if (sent === data.length) return true;
      data = data.subarray(sent);
    }
    this.queue.push(data);
    this.waiting += data.length;
    return false;
  }

  cork(): void {}

  uncork(): void {}

  destroy(): void {
    this.queue = [];
    this.socket.terminate();
  }

  /** Sends what waits. Answers true when nothing waits any more. */
  drain(): boolean {
    let index = 0;
    for (; index < this.queue.length; index++) {
      const data = this.queue[index]!;
      const sent = Math.max(this.socket.write(data), 0);
      this.waiting -= sent;
      if (sent < data.length) {
        this.queue[index] = data.subarray(sent);
        break;
      }
    }
    this.queue.splice(0, index);
    return this.waiting === 0;
  }
}

/** `Bun.connect`, which keeps no queue of its own for writing. */
export async function connectBun(path: string, events: SocketEvents): Promise<StreamSocket> {
  let mine: BunSocket | undefined;
  let failure: Error | undefined;
  const own = (socket: Socket<undefined>): BunSocket => {
    mine ??= new BunSocket(socket);
    return mine;
  };
  const socket = await Bun.connect<undefined>({
    unix: path,
    socket: {
      binaryType: "uint8array",
      data: (_, data) => events.onData(data, data.length),
      drain(socket) {
        const writer = own(socket);
        if (writer.waiting > 0 && writer.drain()) events.onDrain();
      },
      error(_, error) {
        failure = error;
      },
      close: (_, error) => events.onClose(error ?? failure),
    },
  });
  return own(socket);
}
