/** Clients that hold connections and send next to nothing on them. */
import { connect, type Socket } from "node:net";

/** How a client dawdles. */
export const ways = ["says nothing", "dribbles its head", "dribbles its body", "dribbles a preface", "asks again and dribbles"] as const;
export type Way = (typeof ways)[number];

/** Between two bytes, in milliseconds. */
const DRIBBLE_MS = 500;
const request = (body: string, more = ""): string =>
  `POST /snakepit.v1.GatewayService/ExecuteTool HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n${more}Content-Length: ${body.length}\r\n\r\n`;

/** Connections that dawdle. */
export class Loris {
  readonly #sockets = new Set<Socket>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #next = new Map<Socket, { readonly bytes: string; at: number }>();
  #opened = 0;

  /** Opens so many, each way in turn. `token` is sent by those that dribble a body: others are refused at once. */
  constructor(port: number, count: number, token: string) {
    for (let n = 0; n < count; n++) this.#open(port, ways[n % ways.length] ?? "says nothing", token);
    this.#timer = setInterval(() => this.#dribble(), DRIBBLE_MS);
  }

  /** How many have been connected. */
  get opened(): number {
    return this.#opened;
  }

  /** How many the server still holds. */
  get held(): number {
    return this.#sockets.size;
  }

  /** Ends them all. */
  end(): void {
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.destroy();
  }

  #open(port: number, way: Way, token: string): void {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#sockets.add(socket);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#next.delete(socket);
    });
    socket.on("error", () => {});
    socket.resume();
    socket.once("connect", () => {
      this.#opened++;
      const authorization = `Authorization: Bearer ${token}\r\n`;
      const body = " ".repeat(10_000);
      switch (way) {
        case "says nothing":
          return;
        case "dribbles its head":
          this.#next.set(socket, { bytes: request("", `X: ${"x".repeat(10_000)}\r\n`), at: 0 });
          return;
        case "dribbles its body":
          socket.write(request(body, authorization));
          this.#next.set(socket, { bytes: body, at: 0 });
          return;
        case "dribbles a preface":
          this.#next.set(socket, { bytes: `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${"\0".repeat(1_000)}`, at: 0 });
          return;
        case "asks again and dribbles":
          socket.write(`${request("{}", authorization)}{}`);
          this.#next.set(socket, { bytes: request("", `X: ${"x".repeat(10_000)}\r\n`), at: 0 });
      }
    });
  }

  #dribble(): void {
    for (const [socket, next] of this.#next) socket.write(next.bytes[next.at++ % next.bytes.length] ?? " ");
  }
}
