/** Sends bytes as they are, and sees what comes back. */
import { connect } from "node:net";

/** What a server did with what was sent. */
export interface Reaction {
  /** Status of HTTP/1.1; 0 when it closed the connection without one, -1 when it did nothing in time. */
  readonly status: number;
  readonly body: string;
}

/** What a server may take for a request that is whole, in milliseconds. */
const PATIENCE_MS = 15_000;

/** Sends a request on a connection of its own, and waits until the server closes it. `leave` closes it when the request is written. */
export function sendRaw(port: number, bytes: Uint8Array, leave: boolean): Promise<Reaction> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const timer = setTimeout(() => settle(-1), PATIENCE_MS);
    const settle = (otherwise: number): void => {
      clearTimeout(timer);
      socket.destroy();
      const text = Buffer.concat(chunks).toString("latin1");
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve({ status: status === undefined ? otherwise : Number(status), body: text.slice(text.indexOf("\r\n\r\n") + 4) });
    };
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.once("close", () => settle(0));
    socket.once("end", () => settle(0));
    // What the server does not want it may cut off while it is still being written.
    socket.once("error", () => settle(0));
    socket.once("connect", () => {
      if (leave) socket.end(bytes);
      else socket.write(bytes);
    });
  });
}

/** What the ping at the end of a connection carries. */
const LAST = Buffer.from("the last");
const PING = Buffer.concat([Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]), LAST]);
const PING_ACK = Buffer.concat([Buffer.from([0, 0, 8, 6, 1, 0, 0, 0, 0]), LAST]);

/** Sends a connection of HTTP/2 with a ping at its end, and waits until that is answered or the server closes it. Whether it did one of them in time. */
export function sendHttp2(port: number, bytes: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    let seen = Buffer.alloc(0);
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const timer = setTimeout(() => settle(false), PATIENCE_MS);
    const settle = (answered: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answered);
    };
    socket.on("data", (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      if (seen.includes(PING_ACK)) settle(true);
    });
    socket.once("close", () => settle(true));
    socket.once("error", () => settle(true));
    socket.once("connect", () => socket.write(Buffer.concat([bytes, PING])));
  });
}
