/** HTTP on Bun. */
import { serve } from "bun";
import { peerAt } from "./http-peer.ts";
import type { HttpHandlers, HttpServer, ListenOptions } from "./http-server.ts";

/** As {@link listen}. */
export function listenOnBun(handlers: HttpHandlers, { port, host }: ListenOptions): HttpServer {
  const server = serve({
    port,
    hostname: host,
    fetch: (request, server) => handlers.fetch(request, peerAt(server.requestIP(request)?.address)),
  });
  return {
    port: server.port ?? port,
    close: () => server.stop(),
    destroy: () => void server.stop(true),
  };
}
