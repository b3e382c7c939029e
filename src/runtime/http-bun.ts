/** HTTP on Bun: HTTP/1.1. */
import { serve } from "bun";
import { peerAt } from "./http-peer.ts";
import type { HttpHandlers, HttpServer, ListenOptions } from "./http-server.ts";
import { readTls } from "./http-tls.ts";

/** As {@link listen}. */
export function listenOnBun(handlers: HttpHandlers, { port, host, tls, headersTimeoutMs }: ListenOptions): HttpServer {
  const files = tls === undefined ? undefined : readTls(tls);
  const server = serve({
    port,
    hostname: host,
    // Heads that come slowly and connections that do nothing: Bun keeps one time for both.
    idleTimeout: Math.ceil(headersTimeoutMs / 1000),
    // Each handler has a limit of its own.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    ...(files !== undefined && { tls: { cert: files.cert, key: files.key } }),
    fetch(request, server) {
      // A call may take as long as it takes, and a stream may have nothing to say for hours.
      server.timeout(request, 0);
      return handlers.fetch(request, peerAt(server.requestIP(request)?.address));
    },
  });
  return {
    port: server.port ?? port,
    close: () => server.stop(),
    destroy: () => server.stop(true),
  };
}
