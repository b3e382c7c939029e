/** A server of its own for a site. */
import { type HttpServer, type ListenOptions, listen } from "../../runtime/http-server.ts";
import { createFetchHandler } from "./fetch.ts";
import { createHandler } from "./handler.ts";
import { createNodeHandler } from "./node.ts";
import type { Site } from "./site.ts";

/** Listens, and answers as the site says. */
export function serveSite(site: Site, options: ListenOptions): Promise<HttpServer> {
  const handler = createHandler(site);
  return listen({ fetch: createFetchHandler(handler), node: createNodeHandler(handler) }, options);
}
