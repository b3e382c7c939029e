/** What every request takes: let in or not, answered by an RPC or by a page, ended. Free of runtimes and of HTTP versions. */
import { type ConnectError, createConnectRouter, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { compressionBrotli, compressionGzip } from "@connectrpc/connect-node";
import { errorPage, notFoundPage } from "./pages.ts";
import { refusalFor } from "./refusal.ts";
import type { Admission, Peer, RequestHead, Site } from "./site.ts";

/** A request as the handler takes it. */
export interface Incoming extends UniversalServerRequest {
  readonly peer: Peer;
}

/** What a request is answered with. A page comes as it is: whoever speaks fetch passes it on. */
export type Answer =
  | { readonly kind: "rpc"; readonly response: UniversalServerResponse }
  | { readonly kind: "page"; readonly response: Response };

/** Answers requests, however they came in. */
export interface Handler {
  /** Never rejects. */
  answer(request: Incoming): Promise<Answer>;
}

/** Why a request was not let in: thrown where Connect can say it in the protocol of the request. */
const refusalKey = createContextKey<ConnectError | undefined>(undefined, { description: "snakepit/refusal" });

/** Makes the handler of a site. */
export function createHandler(site: Site): Handler {
  const router = createConnectRouter({
    acceptCompression: [compressionGzip, compressionBrotli],
    requestGate: (context) => {
      const refusal = context.values.get(refusalKey);
      if (refusal !== undefined) throw refusal;
    },
  });
  site.routes(router);
  const methods = new Map<string, UniversalHandler>(router.handlers.map((handler) => [handler.requestPath, handler]));

  async function call(method: UniversalHandler, request: Incoming, head: RequestHead): Promise<UniversalServerResponse> {
    let admission: Admission;
    try {
      admission = await site.admit(head);
    } catch (error) {
      return method({ ...request, contextValues: createContextValues().set(refusalKey, refusalFor(error)) });
    }
    const answered = releaseOnce(admission);
    try {
      const response = await method({ ...request, contextValues: admission.values });
      if (method.method.methodKind === "unary" || response.body === undefined) answered();
      else {
        request.signal.addEventListener("abort", answered, { once: true });
        return { ...response, body: endingWith(response.body, answered) };
      }
      return response;
    } catch (error) {
      answered();
      throw error;
    }
  }

  async function page(head: RequestHead): Promise<Response> {
    const admission = await site.admit(head);
    try {
      return (await site.page(head, admission)) ?? notFoundPage();
    } finally {
      admission.release();
    }
  }

  return {
    async answer(request) {
      try {
        const url = new URL(request.url);
        const head: RequestHead = { method: request.method, url, headers: request.header, peer: request.peer };
        const method = methods.get(url.pathname);
        if (method !== undefined) return { kind: "rpc", response: await call(method, request, head) };
        return { kind: "page", response: await page(head) };
      } catch (error) {
        return { kind: "page", response: errorPage(error) };
      }
    },
  };
}

function releaseOnce(admission: Admission): () => void {
  let released = false;
  return () => {
    if (released) return;
    released = true;
    admission.release();
  };
}

/** The same items, and `ended` when there are no more, however that comes. */
async function* endingWith<T>(items: AsyncIterable<T>, ended: () => void): AsyncGenerator<T> {
  try {
    yield* items;
  } finally {
    ended();
  }
}
