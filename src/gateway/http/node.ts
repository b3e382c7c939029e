/** The gateway as a request listener: for Express, `node:http` and `node:http2`. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { JsonValue } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { nodePeer } from "../../runtime/http-node-peer.ts";
import type { Answer, Handler, Incoming } from "./handler.ts";
import { NodeBody } from "./node-body.ts";
import { errorPage } from "./pages.ts";

/** Answers a request of Node's servers. */
export type NodeHandler = (request: NodeRequest, response: NodeResponse) => void;

type NodeRequest = IncomingMessage | Http2ServerRequest;
type NodeResponse = ServerResponse | Http2ServerResponse;

/** Longer answers are written in pieces of this size, in bytes: so it is seen whether a reader takes some of it. */
const PIECE_BYTES = 65_536;
/** How long a caller may go on sending a body whose answer it has: long enough to read the answer. */
const LINGER_MS = 1_000;

/** Makes a request listener. */
export function createNodeHandler(handler: Handler): NodeHandler {
  const serve = async (request: NodeRequest, response: NodeResponse): Promise<void> => {
    const caller = new AbortController();
    const writer = new Writer(response, handler.readerTimeoutMs, () =>
      caller.abort(new ConnectError("the caller has left", Code.Canceled)),
    );
    const body = new NodeBody(request);
    const answer = await answerTo(request, body, caller.signal);
    // On HTTP/2 a client stops sending as soon as an answer begins, and Node resets a stream whose body falls short of its length: both before the answer's end.
    if ("stream" in request && request.headers["content-length"] !== undefined) await body.gone(LINGER_MS);
    await writer.write(answer);
    if (!request.complete) cutOff(request, body);
  };
  const answerTo = (request: NodeRequest, body: NodeBody, signal: AbortSignal): Promise<Answer> | Answer => {
    const incoming = incomingOf(request, body, signal);
    if (incoming !== undefined) return handler.answer(incoming);
    return { kind: "page", response: errorPage(new ConnectError("the request has no host or no path", Code.InvalidArgument)) };
  };
  // What goes wrong while the answer is written is that the other end has left.
  return (request, response) => void serve(request, response).catch(() => response.destroy());
}

/** The request in Connect's words; undefined where it has no URL. */
function incomingOf(request: NodeRequest, body: NodeBody, signal: AbortSignal): Incoming | undefined {
  const header = new Headers();
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const [name = "", value = ""] = [rawHeaders[at], rawHeaders[at + 1]];
    // Pseudo-headers of HTTP/2.
    if (!name.startsWith(":")) header.append(name, value);
  }
  const scheme = "encrypted" in request.socket ? "https" : "http";
  const url = `${scheme}://${("authority" in request && request.authority) || request.headers.host}${request.url}`;
  const { httpVersion, method = "" } = request;
  if (!URL.canParse(url)) return undefined;
  return { httpVersion, method, url, header, body: parsedBody(request) ?? body, signal, peer: nodePeer(request) };
}

/** A body that Express has read and parsed already. */
function parsedBody(request: NodeRequest): JsonValue | undefined {
  // Only its JSON parser leaves it so, for the media type of JSON.
  return "body" in request && request.readableEnded ? (request.body as JsonValue) : undefined;
}

/** Lets the rest of a body go by whose request was answered already, and after a while no more of it. */
function cutOff(request: NodeRequest, body: NodeBody): void {
  body.discard();
  setTimeout(() => {
    if (request.complete) return;
    if ("stream" in request) request.stream.close(constants.NGHTTP2_NO_ERROR);
    else request.destroy();
  }, LINGER_MS).unref();
}

/** Writes one answer. */
class Writer {
  readonly #response: NodeResponse;
  readonly #readerTimeoutMs: number;
  /** Whether all of it was written. */
  #ended = false;
  #closed = false;
  #onClose: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  /** @param onLeft - Hears that the reader has left before all was written. */
  constructor(response: NodeResponse, readerTimeoutMs: number, onLeft: () => void) {
    this.#response = response;
    this.#readerTimeoutMs = readerTimeoutMs;
    response.once("close", () => {
      this.#closed = true;
      clearTimeout(this.#timer);
      if (!this.#ended) onLeft();
      this.#onClose();
    });
  }

  async write(answer: Answer): Promise<void> {
    if (answer.kind === "page") {
      const { status, headers } = answer.response;
      this.#head(status, headers);
      return this.#whole(new Uint8Array(await answer.response.arrayBuffer()));
    }
    const { status, header = new Headers(), body, trailer } = answer.response;
    const parts = body?.[Symbol.asyncIterator]();
    if (parts === undefined) {
      this.#head(status, header);
      return this.#end();
    }
    try {
      const first = await parts.next();
      this.#head(status, header);
      if (header.has("content-length") && !first.done) {
        await this.#whole(first.value);
        // It is over when it was taken.
        return this.#whenClosed(() => void parts.return?.());
      }
      for (let part = first; !part.done; part = await parts.next()) await this.#part(part.value);
      if (trailer !== undefined) this.#response.addTrailers(plain(trailer));
      this.#end();
    } catch (error) {
      await parts.throw?.(error).catch(() => {});
      throw error;
    }
  }

  /** Writes a body that is there. A short one leaves together with the head. */
  async #whole(body: Uint8Array): Promise<void> {
    let at = 0;
    for (; body.length - at > PIECE_BYTES; at += PIECE_BYTES) await this.#part(body.subarray(at, at + PIECE_BYTES));
    this.#end(at === 0 ? body : body.subarray(at));
  }

  #end(last?: Uint8Array): void {
    this.#ended = true;
    if (last === undefined) this.#response.end();
    else this.#response.end(last);
    if (!this.#closed) this.#timer = setTimeout(() => this.#response.destroy(), this.#readerTimeoutMs).unref();
  }

  #whenClosed(run: () => void): void {
    if (this.#closed) run();
    else this.#onClose = run;
  }

  #head(status: number, headers: Headers): void {
    // The types of HTTP/1.1 and HTTP/2 have no call in common.
    (this.#response as ServerResponse).writeHead(status, plain(headers));
  }

  /** Resolves when the next part may be written. */
  #part(part: Uint8Array): Promise<void> | void {
    const response = this.#response as ServerResponse;
    if (response.write(part)) return;
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => () => {
        clearTimeout(timer);
        response.off("drain", drained).off("close", closed);
        error === undefined ? resolve() : reject(error);
      };
      const drained = settle();
      const closed = settle(new Error("the reader has left"));
      const timer = setTimeout(settle(new Error("the reader takes nothing")), this.#readerTimeoutMs);
      response.on("drain", drained).on("close", closed);
    });
  }
}

const plain = (headers: Headers): Record<string, string> => Object.fromEntries(headers);
