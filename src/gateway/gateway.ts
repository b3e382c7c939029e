/** A gateway: what a pit offers to programs elsewhere, put together from the services, from who may ask, and from how requests come in. */
import { coreOf } from "../pit/core.ts";
import type { Pit } from "../pit/pit.ts";
import type { Snakepit } from "../pit/snakepit.ts";
import { closeOnSignal } from "../pool/host-signals.ts";
import { type Access, openAccess } from "./access/access.ts";
import { checkListening } from "./access/loopback.ts";
import { dashboardPage } from "./dashboard-page.ts";
import { createFetchHandler, type FetchHandler } from "./http/fetch.ts";
import { createHandler, type HandlerOptions } from "./http/handler.ts";
import type { Status } from "./http/health.ts";
import { createNodeHandler, type NodeHandler } from "./http/node.ts";
import { type ServerOptions, type SiteServer, serveSite } from "./http/serve.ts";
import type { RequestHead, Site } from "./http/site.ts";
import { checkGateway, checkServe, type GatewayOptions, type ServeOptions } from "./options.ts";
import { prometheusText } from "./prometheus.ts";
import { type Services, servicesOf } from "./rpc/services.ts";

const PORT = 7100;
const HOST = "127.0.0.1";
const DRAIN_MS = 30_000;

/**
 * A gateway without a server of its own, to mount in one.
 *
 * @example
 * const gateway = await Gateway.open(pit, { auth: { tokenFile: "tokens.json" } });
 * Bun.serve({ port: 7100, fetch: gateway.fetch });       // Deno.serve, Hono: the same
 * http.createServer(gateway.node).listen(7100);          // Express: app.use(gateway.node)
 */
export class Gateway implements AsyncDisposable {
  /** Answers a request. The second argument says what is known of the other end. */
  readonly fetch: FetchHandler;
  /** Answers a request of `node:http`, `node:http2` or Express. */
  readonly node: NodeHandler;
  readonly #close: () => Promise<void>;
  #closed: Promise<void> | undefined;

  private constructor(site: PitSite, options: GatewayOptions) {
    const handler = createHandler(site, handlerOptions(site, options));
    const forget = closeOnSignal(() => this.close(), "doors");
    this.#close = () =>
      handler
        .drain(options.drainTimeoutMs ?? DRAIN_MS)
        .then(() => site.close())
        .finally(forget);
    this.fetch = createFetchHandler(handler);
    this.node = createNodeHandler(handler);
  }

  /**
   * Opens the gateway of a pit. The pit stays open when the gateway closes; close the gateway first.
   *
   * @throws InvalidOptions.
   */
  static async open(pit: Snakepit, options: GatewayOptions = {}): Promise<Gateway> {
    checkGateway(options);
    return new Gateway(new PitSite(pit, options), options);
  }

  /**
   * Refuses what is new, waits for what runs, lets go of the sessions it has open here, which live on in their store, and writes the rest of the audit
   * log. May be called twice.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A gateway that listens. */
export interface Served extends AsyncDisposable {
  /** Where it is asked, such as "http://127.0.0.1:7100". */
  readonly url: string;
  readonly port: number;
  /** Takes no more requests, waits for those that run, and closes. The pit stays open. May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens the gateway of a pit with a server of its own.
 *
 * @example
 * await using gateway = await serve(pit, { auth: { tokenFile: "tokens.json" } });
 * @throws InvalidOptions, or the system's error when the address is not to be had.
 */
export function serve(pit: Snakepit, options: ServeOptions = {}): Promise<Served> {
  return serveFace(pit, options);
}

/** As {@link serve}, for either face of a pit. */
export async function serveFace(pit: object, options: ServeOptions): Promise<Served> {
  const { port = PORT, host = HOST, tls, headersTimeoutMs, idleTimeoutMs, drainTimeoutMs = DRAIN_MS } = options;
  checkServe(options);
  checkListening(host, options.auth);
  const site = new PitSite(pit, options);
  const listening = { port, host, tls, headersTimeoutMs, idleTimeoutMs, drainTimeoutMs };
  const server = await listenFor(site, { ...handlerOptions(site, options), ...listening });
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= server.close().then(() => site.close());
    return closed.finally(forget);
  };
  const forget = closeOnSignal(close, "doors");
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `${tls === undefined ? "http" : "https"}://${name}:${server.port}`,
    port: server.port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A site that is not served holds nothing. */
async function listenFor(site: PitSite, options: ServerOptions): Promise<SiteServer> {
  try {
    return await serveSite(site, options);
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** What the handler of requests is told. */
const handlerOptions = ({ status }: PitSite, { cors, limits, reflection }: GatewayOptions): HandlerOptions => ({
  status,
  cors,
  limits,
  reflection,
});

/** Whether a pit can be called, and its metrics where it counts them. */
const statusOf = (pit: Pit): Status => ({
  unready: async () => {
    const { status } = pit.admin.health();
    return status === "unhealthy" || status === "closed" ? `the pit is ${status}` : undefined;
  },
  ...(pit.metrics && { metrics: () => prometheusText(pit.context) }),
});

/** What a pit answers. */
class PitSite implements Site {
  readonly routes: Site["routes"];
  readonly admit: Site["admit"];
  readonly #access: Access;
  readonly #services: Services;
  readonly #dashboard: boolean;
  /** What it says of itself. */
  readonly status: Status;

  constructor(face: object, options: GatewayOptions) {
    const pit = coreOf(face);
    this.#access = openAccess(options);
    this.#dashboard = options.dashboard ?? true;
    this.#services = servicesOf(pit, options.limits);
    this.status = statusOf(pit);
    this.admit = (request) => this.#access.admit(request);
    this.routes = (router) => this.#services.addTo(router);
  }

  async page({ method, url }: RequestHead): Promise<Response | undefined> {
    const reads = method === "GET" || method === "HEAD";
    return this.#dashboard && reads && url.pathname === "/" ? dashboardPage() : undefined;
  }

  async close(): Promise<void> {
    await this.#services.close();
    await this.#access.close();
  }
}
