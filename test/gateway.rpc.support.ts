/** What the tests of the gateway's services share: a client of them without a network, and principals. */
import { type Client, ConnectError, createClient, createRouterTransport, type Transport } from "@connectrpc/connect";
import { type Principal, principalKey } from "../src/gateway/access/principal.ts";
import { type ServiceLimits, servicesOf } from "../src/gateway/rpc/services.ts";
import { AdminService } from "../src/gen/snakepit/v1/admin_pb.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import type { Snakepit } from "../src/index.ts";
import { coreOf } from "../src/pit/core.ts";

/** Somebody who may do everything, unless `what` says otherwise. */
export function somebody(id = "somebody", what: Partial<Principal> = {}): Principal {
  return { id, kind: "token", may: () => true, describe: id, tracebacks: false, ...what };
}

/** A client of what a pit offers, as `principal` has it. */
export function clientOf(pit: Snakepit, principal: Principal = somebody(), limits?: ServiceLimits): Client<typeof GatewayService> {
  return createClient(GatewayService, transportTo(pit, principal, limits));
}

/** A client for looking after a pit, as `principal` has it. */
export function adminOf(pit: Snakepit, principal: Principal = somebody()): Client<typeof AdminService> {
  return createClient(AdminService, transportTo(pit, principal));
}

function transportTo(pit: Snakepit, principal: Principal, limits?: ServiceLimits): Transport {
  return createRouterTransport((router) => servicesOf(coreOf(pit), limits).addTo(router), {
    router: {
      requestGate: ({ values }) => {
        values.set(principalKey, principal);
      },
    },
  });
}

/** What a promise rejects with, as whoever calls the gateway sees it. */
export async function refused(promise: Promise<unknown>): Promise<ConnectError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ConnectError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}
