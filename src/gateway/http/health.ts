/** Whether a gateway is well: for people, load balancers and gRPC's own clients. */
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "../../gen/grpc/health/v1/health_pb.ts";
import type { Drain } from "./drain.ts";

/** What a gateway says of itself. */
export interface Status {
  /** Why no calls can be made now, in a sentence; undefined when they can. */
  unready(): Promise<string | undefined>;
  /** The metrics in the text form of Prometheus. Absent when there are none. */
  metrics?(): Promise<string>;
}

/** How often a watch looks whether something has changed. */
const WATCH_MS = 1_000;

/** Tells about the status by RPC and by pages. */
export class HealthDoor {
  readonly #status: Status;
  readonly #drain: Drain;
  /** Names of the services, and the empty one that stands for all of them. */
  readonly #services = new Set([""]);

  constructor(status: Status, drain: Drain) {
    this.#status = status;
    this.#drain = drain;
  }

  /** Adds `grpc.health.v1.Health` to the router, which tells of the services that are there already. */
  addTo(router: ConnectRouter): void {
    for (const { service } of router.handlers) this.#services.add(service.typeName);
    router.service(Health, {
      check: async ({ service }) => {
        if (!this.#services.has(service)) throw new ConnectError(`there is no service "${service}"`, Code.NotFound);
        return { status: await this.#serving() };
      },
      watch: ({ service }, { signal }) => this.#watch(service, signal),
    });
  }

  /** Answers /healthz, /readyz and /metrics; undefined for anything else. */
  async page(pathname: string): Promise<Response | undefined> {
    switch (pathname) {
      case "/healthz":
        return Response.json({ status: "ok" });
      case "/readyz": {
        const reason = await this.#unready();
        return reason === undefined ? Response.json({ status: "ready" }) : Response.json({ status: "unready", reason }, { status: 503 });
      }
      case "/metrics": {
        const text = await this.#status.metrics?.();
        if (text === undefined) return undefined;
        return new Response(text, { headers: { "content-type": "text/plain; version=0.0.4; charset=utf-8" } });
      }
      default:
        return undefined;
    }
  }

  async *#watch(service: string, signal: AbortSignal): AsyncGenerator<{ status: Serving }> {
    const known = this.#services.has(service);
    const over = AbortSignal.any([signal, this.#drain.closing]);
    for (let told: Serving | undefined; ; ) {
      const status = known ? await this.#serving() : Serving.SERVICE_UNKNOWN;
      if (status !== told) yield { status };
      told = status;
      if (over.aborted) return;
      await pause(over);
    }
  }

  async #serving(): Promise<Serving> {
    return (await this.#unready()) === undefined ? Serving.SERVING : Serving.NOT_SERVING;
  }

  #unready(): Promise<string | undefined> {
    return this.#drain.closing.aborted ? Promise.resolve("the gateway is closing") : this.#status.unready();
  }
}

/** Waits until it is time to look again, or until it is over. */
function pause(over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      over.removeEventListener("abort", go);
      resolve();
    };
    const timer = setTimeout(go, WATCH_MS);
    over.addEventListener("abort", go);
  });
}
