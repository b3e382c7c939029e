/** The gateway as a function from `Request` to `Response`: for Bun, Deno, Hono and whatever else speaks fetch. */
import { Code } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { type Peer, unknownPeer } from "../../runtime/http-peer.ts";
import type { Handler } from "./handler.ts";

/** Answers a request. */
export type FetchHandler = (request: Request, peer?: Peer) => Promise<Response>;

/** Makes a fetch handler. Nothing is known of the other end unless the second argument says it. */
export function createFetchHandler(handler: Handler): FetchHandler {
  return async (request, peer = unknownPeer) => {
    const { method, url, headers: header, signal } = request;
    if (isGrpc.test(header.get("content-type") ?? "")) return withoutTrailers();
    // Which version of HTTP it was is known to the server alone.
    const answer = await handler.answer({
      httpVersion: "",
      method,
      url,
      header,
      body: bodyOf(request, handler.maxBodyBytes),
      signal,
      peer,
    });
    return answer.kind === "page" ? answer.response : responseOf(answer.response, handler.readerTimeoutMs);
  };
}

/** gRPC says in trailers how a call has ended, and a Response has none. */
const isGrpc = /^application\/grpc(?:\+|;|$)/;
const withoutTrailers = (): Response => {
  const message = "gRPC is not served here: use Connect or gRPC-Web";
  return new Response(null, {
    headers: { "content-type": "application/grpc", "grpc-status": String(Code.Unimplemented), "grpc-message": message },
  });
};

/**
 * The body, which is not read before it is asked for. One of a known length comes at once, since reading a stream takes several times as long; a longer one than
 * a message may be comes in parts, so that no more of it is read than it takes to refuse it.
 */
async function* bodyOf(request: Request, maxBodyBytes: number): AsyncGenerator<Uint8Array> {
  if (request.body === null) return;
  const length = request.headers.get("content-length");
  if (length !== null && Number(length) <= maxBodyBytes) yield new Uint8Array(await request.arrayBuffer());
  else yield* request.body;
}

async function responseOf({ status, header = new Headers(), body }: UniversalServerResponse, readerTimeoutMs: number): Promise<Response> {
  const parts = body?.[Symbol.asyncIterator]();
  if (parts === undefined) return new Response(null, { status, headers: header });
  if (!header.has("content-length")) return new Response(streamOf(parts, readerTimeoutMs), { status, headers: header });
  const only = await parts.next();
  // How it goes on its way is known to the server alone.
  await parts.return?.();
  // Connect's parts are typed so that they could be in shared memory, and never are.
  return new Response(only.done ? null : (only.value as Uint8Array<ArrayBuffer>), { status, headers: header });
}

function streamOf(parts: AsyncIterator<Uint8Array>, readerTimeoutMs: number): ReadableStream<Uint8Array> {
  let stalled: ReturnType<typeof setTimeout> | undefined;
  const leave = async (reason: unknown) => {
    clearTimeout(stalled);
    await parts.throw?.(reason).catch(() => {});
  };
  return new ReadableStream({
    async pull(controller) {
      clearTimeout(stalled);
      const part = await parts.next();
      if (part.done) return controller.close();
      stalled = setTimeout(() => {
        const reason = new Error("the reader takes nothing");
        controller.error(reason);
        void leave(reason);
      }, readerTimeoutMs);
      controller.enqueue(part.value);
    },
    cancel: leave,
  });
}
