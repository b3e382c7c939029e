/** A server of its own for a site. */
import { listen } from "../../runtime/http-server.ts";
import type { TlsFiles } from "../../runtime/http-tls.ts";
import { createFetchHandler } from "./fetch.ts";
import { createHandler, type HandlerOptions } from "./handler.ts";
import { createNodeHandler } from "./node.ts";
import type { Site } from "./site.ts";

/** Where to listen, and how. */
export interface ServerOptions extends HandlerOptions {
  /** 0 for any that is free. */
  readonly port: number;
  readonly host: string;
  /** Default: in the clear. */
  readonly tls?: TlsFiles | undefined;
  /** From the connection to the end of its first request's head. Default 10 s. */
  readonly headersTimeoutMs?: number | undefined;
  /** From the end of an answer to the end of the next request's head. Default 75 s; on Bun, as `headersTimeoutMs`. */
  readonly idleTimeoutMs?: number | undefined;
  /** How long what runs may go on after {@link SiteServer.close}. Default 30 s. */
  readonly drainTimeoutMs?: number | undefined;
}

/** A site that is served. */
export interface SiteServer {
  readonly port: number;
  /** Takes no more requests, waits for those that run, ends those that last too long, and closes. May be called twice. */
  close(): Promise<void>;
}

const defaults = { headersTimeoutMs: 10_000, idleTimeoutMs: 75_000, drainTimeoutMs: 30_000 };
/** How long streams that were told to end have to say so. */
const LAST_WORDS_MS = 1_000;

/**
 * Listens, and answers as the site says.
 *
 * @throws InvalidOptions when a file of TLS cannot be read; the system's error when the address is not to be had.
 */
export async function serveSite(site: Site, options: ServerOptions): Promise<SiteServer> {
  const handler = createHandler(site, options);
  const server = await listen(
    { fetch: createFetchHandler(handler), node: createNodeHandler(handler) },
    {
      port: options.port,
      host: options.host,
      tls: options.tls,
      headersTimeoutMs: options.headersTimeoutMs ?? defaults.headersTimeoutMs,
      idleTimeoutMs: options.idleTimeoutMs ?? defaults.idleTimeoutMs,
    },
  );
  const close = async () => {
    const closed = server.close();
    await handler.drain(options.drainTimeoutMs ?? defaults.drainTimeoutMs);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const cut = new Promise<void>((resolve) => {
      timer = setTimeout(() => resolve(server.destroy()), LAST_WORDS_MS);
    });
    await Promise.race([closed, cut]);
    clearTimeout(timer);
  };
  let closing: Promise<void> | undefined;
  return {
    port: server.port,
    close() {
      closing ??= close();
      return closing;
    },
  };
}
