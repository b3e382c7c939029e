/** What all that belongs to a client shares: where the gateway is, who asks, and whether it is open. */
import { isSnakepitError, PoolClosed } from "../errors/index.ts";
import { authorization, type ClientSettings } from "./options.ts";
import type { MessageType, Shape } from "./protobuf.ts";
import type { Method } from "./schema.ts";
import { TokenSource } from "./token.ts";
import { type Sending, Transport } from "./transport.ts";

/** One request, however often it is made. */
export interface Request<I extends MessageType> {
  readonly message: Partial<Shape<I>>;
  readonly signal: AbortSignal;
  readonly timeLeftMs?: number | undefined;
  readonly traceparent?: string | undefined;
  /** Whether the gateway is to refuse it when it comes twice, which it does when the runtime sends it again by itself. Default false. */
  readonly once?: boolean;
}

/** The way to one gateway. */
export class Connection {
  readonly settings: ClientSettings;
  /** Aborted with PoolClosed when the client closes. */
  readonly closed: AbortSignal;
  readonly #transport: Transport;
  readonly #token: TokenSource;
  readonly #closing = new AbortController();

  constructor(settings: ClientSettings) {
    this.settings = settings;
    this.closed = this.#closing.signal;
    this.#transport = new Transport(settings.url, settings.fetch);
    this.#token = new TokenSource(settings.token);
  }

  /** Throws PoolClosed once the client is closed. */
  check(): void {
    this.closed.throwIfAborted();
  }

  /** Ends everything that runs. */
  close(): void {
    const message = `The client of ${this.settings.url} is closed.`;
    if (!this.closed.aborted) this.#closing.abort(new PoolClosed({ pool: "" }, { message }));
  }

  /** One message for one. Fails with a member of the family, or with what has aborted the signal. */
  async unary<I extends MessageType, O extends MessageType>(method: Method<I, O>, request: Request<I>): Promise<Shape<O>> {
    const token = this.#token.get();
    try {
      return await this.#transport.unary(method, await this.#sending(request, token));
    } catch (error) {
      if (!this.#mayAskAgain(error, token)) throw error;
      return this.#transport.unary(method, await this.#sending(request, this.#token.get()));
    }
  }

  /** Many messages for one, read as they are taken. */
  async *stream<I extends MessageType, O extends MessageType>(method: Method<I, O>, request: Request<I>): AsyncGenerator<Shape<O>> {
    const token = this.#token.get();
    let begun = false;
    try {
      for await (const message of this.#transport.stream(method, await this.#sending(request, token))) {
        begun = true;
        yield message;
      }
    } catch (error) {
      if (begun || !this.#mayAskAgain(error, token)) throw error;
      yield* this.#transport.stream(method, await this.#sending(request, this.#token.get()));
    }
  }

  #mayAskAgain(error: unknown, token: Promise<string> | undefined): boolean {
    return isSnakepitError(error) && error._tag === "Unauthenticated" && this.#token.refused(token);
  }

  async #sending<I extends MessageType>(
    { message, signal, timeLeftMs, traceparent, once = false }: Request<I>,
    asking: Promise<string> | undefined,
  ): Promise<Sending<I>> {
    const token = await asking;
    const headers = {
      ...this.settings.headers,
      ...(token !== undefined && { authorization: authorization(token) }),
      ...(traceparent !== undefined && { traceparent }),
      ...(once && { "idempotency-key": newKey() }),
    };
    return { message, headers, signal, timeLeftMs };
  }
}

/** A key that no other request has. `crypto.randomUUID` is not there for pages that came without TLS. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
}
