/** How the page reaches the gateway that it came from. */
import { AdminClient } from "../client/admin.ts";
import { connect, type RemotePit } from "../client/client.ts";

/** What the views ask. */
export interface Connection {
  /** How the pit stands, and what can be done to it. */
  readonly admin: AdminClient;
  /** Tools and sessions. */
  readonly pit: RemotePit;
  readonly hasToken: boolean;
}

/** Nothing is asked yet. Without a token for gateways that want none. */
export function open(url: string, token: string): Connection {
  const options = { url, ...(token !== "" && { token }) };
  return { admin: new AdminClient(options), pit: connect(options), hasToken: token !== "" };
}
