/** The way to one session behind a gateway, as long as its handle is open. */
import { SessionClosed } from "../errors/index.ts";
import type { Connection } from "./connection.ts";
import { lost } from "./failures.ts";
import type { MessageType, Shape } from "./protobuf.ts";
import { changing, type Repeatable, reading, repeated } from "./retry.ts";
import { type Method, methods } from "./schema.ts";
import { orAborted } from "./waiting.ts";

/** What a request of a session holds beside the session's id. */
type OfSession<I extends MessageType> = Omit<Partial<Shape<I>>, "sessionId">;

/** How long a handle that closes waits for the gateway to end its session, in milliseconds. */
const END_MS = 3_000;

/** One handle's way to its session. */
export class SessionLink {
  readonly id: string;
  readonly connection: Connection;
  readonly #closing = new AbortController();
  #over = false;

  constructor(id: string, connection: Connection) {
    this.id = id;
    this.connection = connection;
  }

  /** Aborted when the handle closes: watches end. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Whether the handle is of no use any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Throws SessionClosed once the handle is closed, PoolClosed once the client is. */
  check(): void {
    this.connection.check();
    if (this.#over) throw new SessionClosed({ session: this.id });
  }

  /** The session was ended: the handle is closed, but its watches still hear of it. */
  ended(): void {
    this.#over = true;
  }

  /** Closes the handle. */
  close(): void {
    this.#over = true;
    this.#closing.abort();
  }

  /** Asks for something, which may be done twice. */
  read<I extends MessageType, O extends MessageType>(method: Method<I, O>, init: OfSession<I>): Promise<Shape<O>> {
    return this.#request(method, init, reading);
  }

  /** Changes something, once. */
  change<I extends MessageType, O extends MessageType>(method: Method<I, O>, init: OfSession<I>): Promise<Shape<O>> {
    return this.#request(method, init, changing);
  }

  /** Ends the session of a handle that closes, maybe since its client has. Fails with ConnectionLost when the gateway does not answer in time. */
  async endAtLast(): Promise<void> {
    const { settings } = this.connection;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(lost(`the gateway has not ended the session within ${END_MS} ms`, undefined)), END_MS);
    const { signal } = limit;
    const how = { ...changing, deadline: performance.now() + END_MS };
    const request = () => this.connection.unary(methods.endSession, { message: { sessionId: this.id }, signal, once: true });
    try {
      await orAborted(repeated(request, how, settings, signal), signal);
    } finally {
      clearTimeout(timer);
    }
  }

  async #request<I extends MessageType, O extends MessageType>(
    method: Method<I, O>,
    init: OfSession<I>,
    how: Repeatable,
  ): Promise<Shape<O>> {
    this.check();
    const { settings, closed } = this.connection;
    // Every request of a session has its id; the compiler does not see that of a method that is yet to be chosen.
    const message = { ...init, sessionId: this.id } as unknown as Partial<Shape<I>>;
    return orAborted(
      repeated(() => this.connection.unary(method, { message, signal: closed, once: how === changing }), how, settings, closed),
      closed,
    );
  }
}
