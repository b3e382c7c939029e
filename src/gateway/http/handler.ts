/** What every request takes: let in or not, answered by an RPC or by a page, ended. Free of runtimes and of HTTP versions. */
import { type ConnectError, createConnectRouter, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalHandler, UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { Health } from "../../gen/grpc/health/v1/health_pb.ts";
import { limitBody, tooLarge } from "./body.ts";
import { COMPRESS_FROM_BYTES, compressions } from "./compression.ts";
import { allowReading, type CorsOrigins, preflight } from "./cors.ts";
import { closingError, closingKey, Drain } from "./drain.ts";
import { HealthDoor, type Status } from "./health.ts";
import { errorPage, notFoundPage } from "./pages.ts";
import { binaryOptions, blameCaller, jsonOptions } from "./reading.ts";
import { addReflection } from "./reflection.ts";
import { refusalFor } from "./refusal.ts";
import type { Admission, Peer, RequestHead, Site } from "./site.ts";
import { withTimeLimit } from "./time-limits.ts";

/** What requests may take. */
export interface HttpLimits {
  /** Longest message of a request, in bytes. Default 64 MiB. */
  readonly maxBodyBytes?: number | undefined;
  /** How long the body of a request may take to come. Default 30 s. */
  readonly bodyTimeoutMs?: number | undefined;
  /** How long a reader may take nothing of an answer that waits for it, before it loses its connection. Default 60 s. */
  readonly readerTimeoutMs?: number | undefined;
}

/** What a handler may be given. */
export interface HandlerOptions {
  /** What is told of the gateway's health and by its metrics. Default: it is ready and has no metrics. */
  readonly status?: Status | undefined;
  /** Web pages of other origins that may ask. Default: none. */
  readonly cors?: CorsOrigins | undefined;
  readonly limits?: HttpLimits | undefined;
  /** Whether programs such as grpcurl may ask for the services and their messages. Default true. */
  readonly reflection?: boolean | undefined;
}

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
  /** Longest message of a request, in bytes. */
  readonly maxBodyBytes: number;
  /** How long a reader may take nothing of an answer, in milliseconds. */
  readonly readerTimeoutMs: number;
  /** Never rejects. Whoever writes the answer reads its body to the end, or says by `return` or `throw` that it is over. */
  answer(request: Incoming): Promise<Answer>;
  /** Refuses what is new from now on, and resolves when what runs has ended; what lasts longer than the time is told to end. */
  drain(timeoutMs: number): Promise<void>;
}

const defaults = { maxBodyBytes: 64 * 1024 * 1024, bodyTimeoutMs: 30_000, readerTimeoutMs: 60_000 };
/** What a protocol puts around the one message of a body. */
const FRAMING_BYTES = 16;
const isMessage = /^application\/(?:json|proto)\b/;
const allReady: Status = { unready: () => Promise.resolve(undefined) };

/** Why a request was not let in: thrown where Connect can say it in the protocol of the request. */
const refusalKey = createContextKey<ConnectError | undefined>(undefined, { description: "snakepit/refusal" });

/** Makes the handler of a site. */
export function createHandler(site: Site, options: HandlerOptions = {}): Handler {
  const { cors, status = allReady, reflection = true } = options;
  const maxBodyBytes = options.limits?.maxBodyBytes ?? defaults.maxBodyBytes;
  const timeoutMs = options.limits?.bodyTimeoutMs ?? defaults.bodyTimeoutMs;
  const oneMessage = { maxBytes: maxBodyBytes + FRAMING_BYTES, timeoutMs, timeFor: "the whole" } as const;
  const manyMessages = { maxBytes: Number.POSITIVE_INFINITY, timeoutMs, timeFor: "each part" } as const;

  const drain = new Drain();
  const health = new HealthDoor(status, drain);
  const router = createConnectRouter({
    acceptCompression: compressions,
    compressMinBytes: COMPRESS_FROM_BYTES,
    readMaxBytes: maxBodyBytes,
    binaryOptions,
    jsonOptions,
    shutdownSignal: drain.expired,
    requestGate: (context) => {
      const refusal = context.values.get(refusalKey);
      if (refusal !== undefined) throw refusal;
      blameCaller(context);
    },
  });
  site.routes(router);
  health.addTo(router);
  if (reflection) addReflection(router);
  const methods = new Map<string, UniversalHandler>(router.handlers.map((handler) => [handler.requestPath, handler]));

  const refuse = (method: UniversalHandler, request: Incoming, error: unknown): Promise<UniversalServerResponse> =>
    method({ ...request, contextValues: createContextValues().set(refusalKey, refusalFor(error)) });

  async function call(method: UniversalHandler, request: Incoming, head: RequestHead): Promise<UniversalServerResponse> {
    if (drain.closing.aborted && method.service !== Health) return refuse(method, request, closingError());
    let admission: Admission;
    try {
      admission = await site.admit(head);
    } catch (error) {
      return refuse(method, request, error);
    }
    // It may have begun to close while somebody's keys were fetched.
    if (drain.closing.aborted && method.service !== Health) {
      admission.release();
      return refuse(method, request, closingError());
    }
    const ended = endOnce(admission, drain);
    try {
      const kind = method.method.methodKind;
      const limits = kind === "unary" || kind === "server_streaming" ? oneMessage : manyMessages;
      // Only in unary calls of Connect the body is the message. The others say within it how long a message is, and are refused by that.
      const size = isMessage.test(request.header.get("content-type") ?? "") ? Number(request.header.get("content-length") ?? 0) : 0;
      if (size > maxBodyBytes) {
        ended();
        return refuse(method, request, tooLarge(size, maxBodyBytes));
      }
      const contextValues = admission.values.set(closingKey, drain.closing);
      const response = await method({ ...request, body: limited(request.body, limits), contextValues });
      if (response.body === undefined) {
        ended();
        return response;
      }
      if (kind !== "unary") request.signal.addEventListener("abort", ended, { once: true });
      if (request.signal.aborted) ended();
      return { ...response, body: endingWith(response.body, ended) };
    } catch (error) {
      ended();
      throw error;
    }
  }

  async function page(head: RequestHead): Promise<Response> {
    const admission = await site.admit(head);
    try {
      return (await health.page(head.url.pathname)) ?? (await site.page(head, admission)) ?? notFoundPage(head);
    } finally {
      admission.release();
    }
  }

  async function answer(request: Incoming): Promise<Answer> {
    try {
      const url = new URL(request.url);
      const asked = cors === undefined ? undefined : preflight(cors, request.method, request.header);
      if (asked !== undefined) return { kind: "page", response: asked };
      const head: RequestHead = { method: request.method, url, headers: request.header, peer: request.peer };
      const method = methods.get(url.pathname);
      if (method !== undefined) {
        const header = withTimeLimit(request.header);
        return { kind: "rpc", response: await call(method, header === request.header ? request : { ...request, header }, head) };
      }
      return { kind: "page", response: await page(head) };
    } catch (error) {
      return { kind: "page", response: errorPage(error) };
    }
  }

  const readerTimeoutMs = options.limits?.readerTimeoutMs ?? defaults.readerTimeoutMs;
  const door = { maxBodyBytes, readerTimeoutMs, drain: (timeoutMs: number) => drain.drain(timeoutMs) };
  if (cors === undefined) return { ...door, answer };
  return {
    ...door,
    async answer(request) {
      const given = await answer(request);
      return readable(given, (headers) => allowReading(cors, request.header, headers));
    },
  };
}

const limited = (body: Incoming["body"], limits: Parameters<typeof limitBody>[1]): Incoming["body"] =>
  typeof body === "object" && body !== null && Symbol.asyncIterator in body ? limitBody(body, limits) : body;

/** The answer with more headers. Those of a page may be fixed, so it gets new ones. */
function readable(answer: Answer, add: (headers: Headers) => void): Answer {
  const headers = new Headers(answer.kind === "rpc" ? answer.response.header : answer.response.headers);
  add(headers);
  if (answer.kind === "rpc") return { kind: "rpc", response: { ...answer.response, header: headers } };
  return { kind: "page", response: new Response(answer.response.body, { status: answer.response.status, headers }) };
}

/** Counts a request as running; what is given back ends it, and may be called twice. */
function endOnce(admission: Admission, drain: Drain): () => void {
  let ended = false;
  drain.begin();
  return () => {
    if (ended) return;
    ended = true;
    drain.end();
    admission.release();
  };
}

/**
 * The same items, and `ended` when there are no more, however that comes. Not a generator: the `finally` of one that was never asked for its first item does
 * not run.
 */
function endingWith<T>(items: AsyncIterable<T>, ended: () => void): AsyncIterable<T> {
  const source = items[Symbol.asyncIterator]();
  const iterator: AsyncIterator<T> = {
    async next() {
      try {
        const item = await source.next();
        if (item.done) ended();
        return item;
      } catch (error) {
        ended();
        throw error;
      }
    },
    async throw(error) {
      ended();
      if (source.throw === undefined) throw error;
      return source.throw(error);
    },
    async return() {
      ended();
      return (await source.return?.()) ?? { done: true, value: undefined };
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}
