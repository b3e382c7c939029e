/** The services of a pit, as a router of Connect takes them. */
import type { ConnectRouter } from "@connectrpc/connect";
import { AdminService } from "../../gen/snakepit/v1/admin_pb.ts";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import type { LogEvent } from "../../pool/logs.ts";
import { noteOutcomes } from "../access/outcomes.ts";
import { adminHandlers } from "./admin-handlers.ts";
import { tellFailures } from "./failure.ts";
import { observing } from "./observe.ts";
import { OwnedSessions } from "./owned-sessions.ts";
import { refuseRepeats } from "./repeats.ts";
import { sessionHandlers } from "./session-handlers.ts";
import { toolHandlers } from "./tool-handlers.ts";
import { variableHandlers } from "./variable-handlers.ts";

/** What a pit offers over the network. */
export interface Services {
  /** Adds GatewayService and AdminService to a router. Who asks is found in the context values of a request, by `principalKey`. */
  addTo(router: ConnectRouter): void;
  /** Lets go of what is open here for callers. */
  close(): Promise<void>;
}

/** A line of the gateway belongs to no pool. */
const ofGateway = {
  pool: "gateway",
  worker: "",
  tool: "",
  session: "",
  call: 0,
  trace: "",
  level: "error",
  source: "snakepit",
} satisfies Omit<LogEvent, "text">;

/** How much callers may have. */
export interface ServiceLimits {
  /** Sessions of one principal that are there at the same time; beyond it OpenSession fails with QuotaExceeded. Default 1,000. */
  readonly sessions?: number | undefined;
}

/** Makes the services of a pit. */
export function servicesOf(pit: Pit, limits: ServiceLimits = {}): Services {
  const sessions = new OwnedSessions(pit, limits.sessions);
  const gateway = { ...toolHandlers(pit, sessions), ...sessionHandlers(pit, sessions), ...variableHandlers(pit, sessions) };
  const admin = adminHandlers(pit);
  const logFault = (error: unknown, method: string): void =>
    pit.logs.say({ ...ofGateway, text: `${method}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` });
  const options = {
    interceptors: [noteOutcomes, tellFailures(logFault), refuseRepeats(), observing(pit)].filter((one) => one !== undefined),
  };
  return {
    addTo: (router) => router.service(GatewayService, gateway, options).service(AdminService, admin, options),
    close: () => sessions.close(),
  };
}
