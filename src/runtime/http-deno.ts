/** HTTP on Deno. */
import { peerAt } from "./http-peer.ts";
import type { HttpHandlers, HttpServer, ListenOptions } from "./http-server.ts";

/** The part of Deno that is used: its own types are none of the compiler's here. */
declare const Deno: {
  serve(
    options: { port: number; hostname: string; onListen(address: unknown): void; onError(error: unknown): Response },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Promise<Response>,
  ): { addr: { port: number }; shutdown(): Promise<void> };
};

/** As {@link listen}. */
export function listenOnDeno(handlers: HttpHandlers, { port, host }: ListenOptions): HttpServer {
  const server = Deno.serve(
    { port, hostname: host, onListen() {}, onError: () => new Response(null, { status: 500 }) },
    (request, { remoteAddr }) => handlers.fetch(request, peerAt(remoteAddr.hostname)),
  );
  return { port: server.addr.port, close: () => server.shutdown(), destroy() {} };
}
