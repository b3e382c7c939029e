/** The services of a pit, as a router of Connect takes them. */
import type { ConnectRouter } from "@connectrpc/connect";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import { tellFailures } from "./failure.ts";
import { toolHandlers } from "./tool-handlers.ts";

/** Adds GatewayService and AdminService to a router. Who asks is found in the context values of a request, by `principalKey`. */
export function addServices(router: ConnectRouter, pit: Pit): void {
  const options = { interceptors: [tellFailures] };
  router.service(GatewayService, toolHandlers(pit), options);
}
