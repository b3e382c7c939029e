/** The body of a request of Node's servers. */
import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { Code, ConnectError } from "@connectrpc/connect";

/** The end of a body, in the words of iterators. */
const end = { done: true, value: undefined } as const;

/**
 * The parts of a body as they come. Not the request's own iterator: that one destroys the connection when it is left early, as it is when a call is answered
 * before its body has come.
 */
export class NodeBody implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #request: IncomingMessage | Http2ServerRequest;
  readonly #parts: Uint8Array[] = [];
  #waiting: { resolve: (part: IteratorResult<Uint8Array>) => void; reject: (error: unknown) => void } | undefined;
  #begun = false;
  #ended = false;
  #error: unknown;

  constructor(request: IncomingMessage | Http2ServerRequest) {
    this.#request = request;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    if (!this.#begun) this.#begin();
    const value = this.#parts.shift();
    if (value !== undefined) return Promise.resolve({ done: false, value });
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#ended) return Promise.resolve(end);
    this.#request.resume();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  /** Lets what is still to come go by unread. */
  discard(): void {
    this.#begun = true;
    this.#ended = true;
    this.#parts.length = 0;
    this.#request.removeAllListeners("data").resume();
  }

  /** The same, and resolves when it has gone by, or after the time. */
  async gone(withinMs: number): Promise<void> {
    const request = this.#request;
    if (request.complete) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      request.once("close", resolve).once("end", () => {
        clearTimeout(timer);
        resolve();
      });
      this.discard();
    });
  }

  #begin(): void {
    this.#begun = true;
    this.#request
      .on("data", (part: Uint8Array) => {
        const waiting = this.#take();
        if (waiting !== undefined) return waiting.resolve({ done: false, value: part });
        this.#parts.push(part);
        this.#request.pause();
      })
      .on("end", () => {
        this.#ended = true;
        this.#take()?.resolve(end);
      })
      .on("error", (error: unknown) => this.#fail(error))
      .on("close", () => {
        if (!this.#ended) this.#fail(new Error("the connection was closed"));
      });
    // A stream of HTTP/2 that was taken back before anybody read it has no event left.
    if (this.#request.aborted) this.#fail(new Error("the connection was closed"));
    else if (this.#request.readableEnded) this.#ended = true;
  }

  #fail(cause: unknown): void {
    this.#error = new ConnectError("the request's body did not come to its end", Code.Aborted, undefined, undefined, cause);
    this.#take()?.reject(this.#error);
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }
}
