/** How the page reaches the gateway that it came from. */
import { type Client, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { connect } from "../client.ts";
import { AdminService } from "../gen/snakepit/v1/admin_pb.ts";

/** What the views ask. */
export interface Connection {
  /** How the pit stands, and what can be done to it. */
  readonly admin: Client<typeof AdminService>;
  /** Tools and sessions. */
  readonly pit: ReturnType<typeof connect>;
  readonly hasToken: boolean;
}

/** Nothing is asked yet. Without a token for gateways that want none. */
export function open(url: string, token: string): Connection {
  const transport = createConnectTransport({
    baseUrl: url,
    useBinaryFormat: true,
    interceptors: [
      (next) => (request) => {
        if (token !== "") request.header.set("authorization", `Bearer ${token}`);
        return next(request);
      },
    ],
  });
  return {
    admin: createClient(AdminService, transport),
    pit: connect({ url, ...(token !== "" && { token }) }),
    hasToken: token !== "",
  };
}
