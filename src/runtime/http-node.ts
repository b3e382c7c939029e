/** HTTP on Node. */
import { createServer } from "node:http";
import type { HttpHandlers, HttpServer, ListenOptions } from "./http-server.ts";

/** As {@link listen}. */
export function listenOnNode(handlers: HttpHandlers, { port, host }: ListenOptions): Promise<HttpServer> {
  const server = createServer((request, response) => handlers.node(request, response));
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve({
        port: typeof address === "object" && address !== null ? address.port : port,
        close: () => new Promise((closed) => server.close(() => closed())),
        destroy: () => server.closeAllConnections(),
      });
    });
  });
}
