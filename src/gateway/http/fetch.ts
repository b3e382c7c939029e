/** The gateway as a function from `Request` to `Response`: for Bun, Deno, Hono and whatever else speaks fetch. */
import { universalServerRequestFromFetch, universalServerResponseToFetch } from "@connectrpc/connect/protocol";
import { type Peer, unknownPeer } from "../../runtime/http-peer.ts";
import type { Handler } from "./handler.ts";

/** Answers a request. */
export type FetchHandler = (request: Request, peer?: Peer) => Promise<Response>;

/** Makes a fetch handler. Nothing is known of the other end unless the second argument says it. */
export function createFetchHandler(handler: Handler): FetchHandler {
  return async (request, peer = unknownPeer) => {
    const answer = await handler.answer({ ...universalServerRequestFromFetch(request, {}), peer });
    return answer.kind === "page" ? answer.response : universalServerResponseToFetch(answer.response);
  };
}
