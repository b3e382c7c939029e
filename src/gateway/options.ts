/** What a gateway may be given, and the check that it makes sense. What stands inside of an option is checked where it is read. */
import { type Checks, callback, checkOptions, isObject, milliseconds, timeout, whole } from "../api/check.ts";
import { InvalidOptions } from "../errors/index.ts";
import type { TlsFiles } from "../runtime/http-tls.ts";
import type { AccessLimits, AccessOptions } from "./access/options.ts";
import type { CorsOrigins } from "./http/cors.ts";
import type { HttpLimits } from "./http/handler.ts";
import type { ServiceLimits } from "./rpc/services.ts";

/** How much callers may ask, and how large a request may be. */
export interface GatewayLimits extends AccessLimits, HttpLimits, ServiceLimits {}

/** Options of a gateway that is mounted in a server of the program's own. */
export interface GatewayOptions extends AccessOptions {
  /** How much callers may ask, and how large a request may be. */
  readonly limits?: GatewayLimits | undefined;
  /** Web pages of other origins that may ask, such as "https://app.example.com", or "*" for all. Default: none. Cannot be had with `auth: "none"`. */
  readonly cors?: CorsOrigins | undefined;
  /** Whether programs such as grpcurl may ask for the services and their messages. Default true. */
  readonly reflection?: boolean | undefined;
  /** How long what runs may go on when the gateway closes, in milliseconds. Default 30 s. */
  readonly drainTimeoutMs?: number | undefined;
  /** Whether the dashboard stands at "/". The page holds no data: it asks for a token that may administer. Default true. */
  readonly dashboard?: boolean | undefined;
}

/** Options of a gateway with a server of its own. */
export interface ServeOptions extends GatewayOptions {
  /** Where it listens; 0 for any port that is free. Default 7100. */
  readonly port?: number | undefined;
  /** The address it listens at. Default "127.0.0.1", which only this machine reaches. */
  readonly host?: string | undefined;
  /** Files of a certificate and its key, and of authorities whose clients may connect. Default: in the clear. */
  readonly tls?: TlsFiles | undefined;
  /** From a connection to the end of its first request's head, in milliseconds. Default 10 s. */
  readonly headersTimeoutMs?: number | undefined;
  /** From the end of an answer to the end of the next request's head, in milliseconds. Default 75 s; on Bun, as `headersTimeoutMs`. */
  readonly idleTimeoutMs?: number | undefined;
}

const flag = { expected: "true or false", ok: (value: unknown) => typeof value === "boolean" };
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every((text) => typeof text === "string");
const object = { expected: "an object", ok: isObject };
const isFile = (value: unknown): boolean => typeof value === "string" && value !== "";

const gatewayChecks: Checks<GatewayOptions> = {
  auth: { expected: '"none", or an object that says who is let in', ok: (value) => value === "none" || isObject(value) },
  limits: object,
  audit: { expected: "the path of a file, or a function", ok: (value) => isFile(value) || callback.ok(value) },
  hosts: { expected: "an array of names", ok: isTexts },
  cors: { expected: '"*", or an array of origins', ok: (value) => value === "*" || isTexts(value) },
  reflection: flag,
  drainTimeoutMs: milliseconds,
  dashboard: flag,
};
const serveChecks: Checks<ServeOptions> = {
  ...gatewayChecks,
  port: whole(0, 65_535),
  host: { expected: "an address or a name", ok: isFile },
  tls: object,
  headersTimeoutMs: timeout,
  idleTimeoutMs: timeout,
};
const limitsChecks: Checks<GatewayLimits> = {
  requestsPerSecond: { expected: "a number above 0", ok: (value) => typeof value === "number" && value > 0 },
  concurrent: whole(1),
  sessions: whole(1),
  failuresPerMinute: { expected: "a number above 0", ok: (value) => typeof value === "number" && value > 0 },
  maxBodyBytes: whole(1),
  bodyTimeoutMs: timeout,
  readerTimeoutMs: timeout,
};

/** Throws InvalidOptions unless these are options of a gateway. */
export const checkGateway = (options: GatewayOptions): void => check(options, gatewayChecks);

/** Throws InvalidOptions unless these are options of a gateway with a server of its own. */
export const checkServe = (options: ServeOptions): void => check(options, serveChecks);

function check(options: GatewayOptions, checks: Checks<GatewayOptions>): void {
  checkOptions(options, checks);
  if (options.limits !== undefined) checkOptions(options.limits, limitsChecks, "limits.");
  // Pages of other origins are not let in where nobody says who they are.
  if (options.auth === "none" && options.cors !== undefined) {
    throw new InvalidOptions({ option: "cors", expected: 'left out with auth: "none"' });
  }
}
