/** Unix sockets on Node and Deno. */
import { connect, type Socket } from "node:net";
import { READ_BYTES, type SocketEvents, type StreamSocket } from "./stream-socket.ts";

class NodeSocket implements StreamSocket {
  private readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
  }

  get waiting(): number {
    return this.socket.writableLength;
  }

  write(data: Uint8Array): boolean {
    this.socket.write(data);
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

/** `node:net` with memory of its own for reading, which saves a Buffer and an event a read. */
export function connectNode(path: string, events: SocketEvents): Promise<StreamSocket> {
  return new Promise((resolve, reject) => {
    const callback = (length: number, data: Uint8Array): boolean => {
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
      resolve(new NodeSocket(socket));
    });
  });
}
