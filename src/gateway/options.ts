/** What a gateway may be given. Each part is checked where it is read. */
import type { AccessOptions } from "./access/options.ts";

/** Options of a gateway that is mounted in a server of the program's own. */
export interface GatewayOptions extends AccessOptions {
  /** Whether the dashboard stands at "/". The page holds no data: it asks for a token that may administer. Default true. */
  readonly dashboard?: boolean | undefined;
}

/** Options of a gateway with a server of its own. */
export interface ServeOptions extends GatewayOptions {
  /** Where it listens; 0 for any port that is free. Default 7100. */
  readonly port?: number | undefined;
  /** The address it listens at. Default "127.0.0.1", which only this machine reaches. */
  readonly host?: string | undefined;
}
