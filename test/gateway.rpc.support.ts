/** What the tests of the gateway's services share: a client of them without a network, and principals. */
import { type Client, createClient, createRouterTransport } from "@connectrpc/connect";
import { type Principal, principalKey } from "../src/gateway/access/principal.ts";
import { servicesOf } from "../src/gateway/rpc/services.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import type { Snakepit } from "../src/index.ts";
import { coreOf } from "../src/pit/core.ts";

/** Somebody who may do everything, unless `what` says otherwise. */
export function somebody(id = "somebody", what: Partial<Principal> = {}): Principal {
  return { id, kind: "token", may: () => true, describe: id, tracebacks: false, ...what };
}

/** A client of the services of a pit, as `principal` has it. */
export function clientOf(pit: Snakepit, principal: Principal = somebody()): Client<typeof GatewayService> {
  const transport = createRouterTransport((router) => servicesOf(coreOf(pit)).addTo(router), {
    router: {
      requestGate: ({ values }) => {
        values.set(principalKey, principal);
      },
    },
  });
  return createClient(GatewayService, transport);
}
