/**
 * HTTP on Node and on Deno: HTTP/1.1 and HTTP/2 on one port. Each connection goes to the server of its version, which TLS (ALPN) tells, or its first bytes. On Bun
 * only HTTP/1.1, where certificates of clients are asked for.
 */
import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer as createHttps } from "node:https";
import type { Server, Socket } from "node:net";
import { createServer as createTls, TLSSocket } from "node:tls";
import { Connections } from "./http-connections.ts";
import type { HttpHandlers, HttpServer, ListenOptions } from "./http-server.ts";
import { readTls } from "./http-tls.ts";

/** What a client that knows of HTTP/2 without TLS sends first. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Streams of one HTTP/2 connection at a time: what browsers and gRPC count on, and no more. */
const MAX_STREAMS = 256;

/** As {@link listen}. `http2` is false where the runtime's own is not to be relied upon. */
export async function listenOnNode(handlers: HttpHandlers, options: ListenOptions, http2Offered = true): Promise<HttpServer> {
  const { port, host, tls, headersTimeoutMs, idleTimeoutMs } = options;
  const connections = new Connections({ headersTimeoutMs, idleTimeoutMs });
  const answer = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
    const connection = "stream" in request ? request.stream.session : request.socket;
    connections.begin(connection);
    response.once("close", () => connections.end(connection));
    handlers.node(request, response);
  };
  // The time of heads, bodies and idle connections is kept by whoever knows both versions.
  const times = { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: idleTimeoutMs, noDelay: true, keepAlive: true };
  const secure = tls === undefined ? undefined : { ...secured(tls), handshakeTimeout: headersTimeoutMs };
  const ALPNProtocols = http2Offered ? ["h2", "http/1.1"] : ["http/1.1"];
  const http1 =
    secure === undefined || !http2Offered ? createHttp1(times, answer) : createHttps({ ...times, ...secure, ALPNProtocols }, answer);
  const http2 = createHttp2({ settings: { maxConcurrentStreams: MAX_STREAMS } }, answer);
  http2.on("session", (session) => {
    connections.add(
      session,
      () => session.close(),
      () => session.destroy(),
    );
    session.on("close", () => connections.delete(session));
    session.on("error", () => {});
  });
  http2.on("sessionError", () => {});

  const hand = (socket: Socket, isHttp2: boolean) => {
    if (!isHttp2) return serveHttp1(socket);
    connections.delete(socket);
    // A client that has said all may still read on HTTP/1.1. On HTTP/2 it has left, and its session would not end.
    socket.allowHalfOpen = false;
    http2.emit("connection", socket);
  };
  const take = (socket: Socket) => {
    socket.on("error", () => {});
    socket.on("close", () => connections.delete(socket));
    connections.add(
      socket,
      () => socket.destroySoon(),
      () => socket.destroy(),
    );
    if (socket instanceof TLSSocket) hand(socket, socket.alpnProtocol === "h2");
    else if (http2Offered) whenVersionIsKnown(socket, (isHttp2) => hand(socket, isHttp2));
    else hand(socket, false);
  };
  let acceptor: Server = http1;
  let serveHttp1 = (socket: Socket): void => void http1.emit("connection", socket);
  if (http2Offered) {
    // The server of HTTP/1.1 listens, with something before what it does with a connection. Deno ends a connection early that another server has taken.
    const event = secure === undefined ? "connection" : "secureConnection";
    const [first] = http1.listeners(event);
    serveHttp1 = (socket) => first?.call(http1, socket);
    http1.removeAllListeners(event).on(event, take);
  } else if (secure !== undefined) {
    acceptor = createTls({ ...secure, ALPNProtocols, allowHalfOpen: true }, take);
  }
  acceptor.on("tlsClientError", () => {});

  await new Promise<void>((resolve, reject) => {
    acceptor.once("error", reject);
    acceptor.listen(port, host, () => {
      acceptor.off("error", reject);
      resolve();
    });
  }).catch((error: unknown) => {
    connections.stop();
    throw error;
  });
  const closed = new Promise<void>((resolve) => {
    acceptor.once("close", () => {
      connections.stop();
      resolve();
    });
  });
  const address = acceptor.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    close() {
      acceptor.close();
      connections.close();
      return closed;
    },
    destroy() {
      connections.destroy();
      return closed;
    },
  };
}

function secured(tls: Parameters<typeof readTls>[0]) {
  const { cert, key, ca } = readTls(tls);
  return ca === undefined ? { cert, key } : { cert, key, ca, requestCert: true, rejectUnauthorized: true };
}

/** Reads so much of a connection as tells HTTP/2 from HTTP/1.1, and puts it back. */
function whenVersionIsKnown(socket: Socket, known: (isHttp2: boolean) => void): void {
  let head = Buffer.alloc(0);
  const look = () => {
    // Without a chunk it has ended.
    const chunk: Buffer | null = socket.read();
    if (chunk !== null) head = Buffer.concat([head, chunk]);
    const length = Math.min(head.length, PREFACE.length);
    const alike = head.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (chunk !== null && alike && length < PREFACE.length) return;
    socket.off("readable", look);
    if (head.length === 0) return void socket.destroy();
    socket.unshift(head);
    known(alike && length === PREFACE.length);
  };
  socket.on("readable", look);
}
