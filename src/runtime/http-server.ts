/** A server for HTTP, as each runtime does it best. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { IdleLimits } from "./http-connections.ts";
import type { Peer } from "./http-peer.ts";
import type { TlsFiles } from "./http-tls.ts";
import { currentRuntime } from "./runtime.ts";

/** The same answers in the two forms that servers ask in. */
export interface HttpHandlers {
  fetch(request: Request, peer: Peer): Promise<Response>;
  node(request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse): void;
}

/** Where to listen, and how. */
export interface ListenOptions extends IdleLimits {
  /** 0 for any that is free. */
  readonly port: number;
  readonly host: string;
  /** Default: in the clear. */
  readonly tls?: TlsFiles | undefined;
}

/** A server that listens. */
export interface HttpServer {
  /** The port it has. */
  readonly port: number;
  /** Takes no more connections and ends those on which nothing runs; resolves when none is left. */
  close(): Promise<void>;
  /** Ends every connection. */
  destroy(): Promise<void>;
}

/**
 * Listens.
 *
 * @throws InvalidOptions when a file of TLS cannot be read; the system's error when the address is not to be had.
 */
export async function listen(handlers: HttpHandlers, options: ListenOptions): Promise<HttpServer> {
  const isBun = currentRuntime().name === "bun";
  // Bun's own server does not say whose certificate it has seen. Its node:http2 is left alone.
  if (isBun && options.tls?.clientCaFile === undefined) return (await import("./http-bun.ts")).listenOnBun(handlers, options);
  return (await import("./http-node.ts")).listenOnNode(handlers, options, !isBun);
}
