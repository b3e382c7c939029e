/** The paths of a gateway, as far as who may ask depends on them, and their names in the audit log. */
import { AdminService } from "../../gen/snakepit/v1/admin_pb.ts";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";

/** Answered to everybody: whether the gateway is well, and the dashboard, a page without data that asks for a token itself. */
const publicPages: ReadonlySet<string> = new Set(["/", "/healthz", "/readyz"]);
/** The service of gRPC that tells whether a server is well. */
const publicService = "/grpc.health.v1.Health/";
/** A stream that lasts as long as its reader likes, for everybody. */
export const watchPath = `${publicService}Watch`;
/** Needs the scope `metrics`. */
export const metricsPath = "/metrics";

/** Whether everybody may ask for this. */
export const isPublic = (pathname: string): boolean => publicPages.has(pathname) || pathname.startsWith(publicService);

const names: ReadonlyMap<string, string> = new Map([
  ...[GatewayService, AdminService].flatMap((service) =>
    service.methods.map((method): [string, string] => [`/${service.typeName}/${method.name}`, `${service.name}/${method.name}`]),
  ),
  ...["v1", "v1alpha"].map((version): [string, string] => [
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    "ServerReflection/ServerReflectionInfo",
  ]),
  [metricsPath, "metrics"],
]);

/** The name of what is asked for. A path that the gateway does not have may hold anything, a token that was pasted wrongly too: it is "unknown". */
export const actionOf = (pathname: string): string => names.get(pathname) ?? "unknown";
