/** HTTP on Bun: HTTP/1.1. */
import { serve } from "bun";
import { peerAt } from "./http-peer.ts";
import type { HttpHandlers, HttpServer, ListenOptions } from "./http-server.ts";
import { readTls } from "./http-tls.ts";

/** As {@link listen}. */
export function listenOnBun(handlers: HttpHandlers, { port, host, tls, headersTimeoutMs }: ListenOptions): HttpServer {
  const files = tls === undefined ? undefined : readTls(tls);
  // Heads that come slowly and connections that do nothing: Bun keeps one time for both.
  const idleTimeout = Math.ceil(headersTimeoutMs / 1000);
  const server = serve({
    port,
    hostname: host,
    idleTimeout,
    // Each handler has a limit of its own.
    maxRequestBodySize: Number.MAX_SAFE_INTEGER,
    // Otherwise a fault of this package would be shown to strangers with its source.
    development: false,
    ...(files !== undefined && { tls: { cert: files.cert, key: files.key } }),
    async fetch(request, server) {
      // A call may take as long as it takes, and a stream may have nothing to say for hours. The time is the connection's, so it is set again after the answer.
      server.timeout(request, 0);
      const response = await handlers.fetch(request, peerAt(server.requestIP(request)?.address));
      return whenEnded(response, () => server.timeout(request, idleTimeout));
    },
  });
  return {
    port: server.port ?? port,
    close: () => server.stop(),
    destroy: () => server.stop(true),
  };
}

/** The same response. `ended` is called before the end of its body, or at once when it comes in one piece. */
function whenEnded(response: Response, ended: () => void): Response {
  if (response.body === null || response.headers.has("content-length")) {
    ended();
    return response;
  }
  return new Response(response.body.pipeThrough(new TransformStream({ flush: ended })), response);
}
