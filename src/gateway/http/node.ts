/** The gateway as a request listener: for Express, `node:http` and `node:http2`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Http2ServerRequest, Http2ServerResponse } from "node:http2";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from "@connectrpc/connect-node";
import { type Peer, peerAt } from "../../runtime/http-peer.ts";
import type { Handler } from "./handler.ts";
import { errorPage } from "./pages.ts";

/** Answers a request of Node's servers. */
export type NodeHandler = (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => void;

/** Makes a request listener. */
export function createNodeHandler(handler: Handler): NodeHandler {
  const answer = async (request: IncomingMessage | Http2ServerRequest, response: ServerResponse | Http2ServerResponse) => {
    let incoming: ReturnType<typeof universalRequestFromNodeRequest>;
    try {
      incoming = universalRequestFromNodeRequest(request, response, undefined, undefined);
    } catch (error) {
      return universalResponseToNodeResponse(fromPage(errorPage(error)), response);
    }
    const answer = await handler.answer({ ...incoming, peer: peerOf(request) });
    return universalResponseToNodeResponse(answer.kind === "page" ? fromPage(answer.response) : answer.response, response);
  };
  // What goes wrong while the answer is written is that the other end has left.
  return (request, response) => void answer(request, response).catch(() => response.destroy());
}

function peerOf(request: IncomingMessage | Http2ServerRequest): Peer {
  return peerAt(request.socket.remoteAddress);
}

function fromPage(page: Response): UniversalServerResponse {
  return { status: page.status, header: page.headers, ...(page.body !== null && { body: page.body }) };
}
