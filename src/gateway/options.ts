/** What a gateway may be given. Each part is checked where it is read. */
import type { TlsFiles } from "../runtime/http-tls.ts";
import type { AccessLimits, AccessOptions } from "./access/options.ts";
import type { CorsOrigins } from "./http/cors.ts";
import type { HttpLimits } from "./http/handler.ts";

/** How much callers may ask, and how large a request may be. */
export interface GatewayLimits extends AccessLimits, HttpLimits {}

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
