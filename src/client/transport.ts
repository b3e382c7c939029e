/**
 * The Connect protocol over `fetch`: requests with one message, answers with one or many, both as binary protobuf.
 *
 * Not taken from connect-web: its transport brings the JSON form of every message along, a third of what a client may weigh; asks for
 * `redirect: "error"`, which workerd refuses; and does not tell a connection that was lost from an answer that is wrong. A retry depends on that.
 */
import { isSnakepitError, ProtocolError } from "../errors/index.ts";
import { type Envelope, envelope, envelopes } from "./envelopes.ts";
import { answeredFailure, endFailure, lost } from "./failures.ts";
import type { Fetch } from "./options.ts";
import type { MessageType, Shape } from "./protobuf.ts";
import type { Method } from "./schema.ts";

/** A request as the transport takes it. */
export interface Sending<I extends MessageType> {
  readonly message: Partial<Shape<I>>;
  readonly headers: Readonly<Record<string, string>>;
  /** Time left in milliseconds, which the gateway is told; undefined for no limit of the caller's own. */
  readonly timeLeftMs: number | undefined;
  readonly signal: AbortSignal;
}

const END_OF_STREAM = 0b10;
const COMPRESSED = 0b01;

/** Sends requests to one gateway. */
export class Transport {
  readonly #url: string;
  readonly #fetch: Fetch;

  /** @param url - Without a slash at its end. */
  constructor(url: string, fetch: Fetch) {
    this.#url = url;
    this.#fetch = fetch;
  }

  /** One message for one. Fails with a member of the family, or with what has aborted the signal. */
  async unary<I extends MessageType, O extends MessageType>(method: Method<I, O>, sending: Sending<I>): Promise<Shape<O>> {
    const response = await this.#send(method, "application/proto", method.input.encode(sending.message), sending);
    const body = await arriving(response.arrayBuffer(), sending.signal);
    return parse(method.output, new Uint8Array(body));
  }

  /** Many messages for one, which are read as they are taken. Fails as {@link unary} does. Has to be left by `return` or by its signal. */
  async *stream<I extends MessageType, O extends MessageType>(method: Method<I, O>, sending: Sending<I>): AsyncGenerator<Shape<O>> {
    const message = envelope(method.input.encode(sending.message));
    const response = await this.#send(method, "application/connect+proto", message, sending);
    if (response.body === null) throw lost("the answer has no body", undefined);
    const parts = envelopes(response.body);
    try {
      for (;;) {
        const { value, done } = await arriving(parts.next(), sending.signal);
        if (done === true) throw lost("the stream was cut off", undefined);
        if (isEnd(value)) return;
        yield parse(method.output, value.data);
      }
    } finally {
      // What is not read any more need not be sent.
      void parts.return(undefined).catch(() => {});
    }
  }

  async #send(
    method: { readonly name: string },
    contentType: string,
    body: Uint8Array<ArrayBuffer>,
    sending: Omit<Sending<MessageType>, "message">,
  ): Promise<Response> {
    const { headers: own, timeLeftMs, signal } = sending;
    const url = `${this.#url}/${method.name}`;
    const headers = new Headers(own);
    headers.set("content-type", contentType);
    headers.set("connect-protocol-version", "1");
    if (timeLeftMs !== undefined) headers.set("connect-timeout-ms", String(Math.max(1, Math.ceil(timeLeftMs))));
    // A token is for this gateway and for nobody it may point to.
    const asked = this.#fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    const response = await arriving(asked, signal);
    if (response.status === 200 && response.headers.get("content-type")?.split(";")[0] === contentType) return response;
    throw await answeredFailure(response);
  }
}

/** What comes over the connection; one that breaks fails with ConnectionLost. */
async function arriving<T>(coming: Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await coming;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw isSnakepitError(error) ? error : lost(undefined, error);
  }
}

/** Whether the part is the last. Throws what the stream failed with. */
function isEnd({ flags, data }: Envelope): boolean {
  if ((flags & COMPRESSED) !== 0) throw new ProtocolError({ reason: "a message is compressed, which was not asked for" });
  if ((flags & END_OF_STREAM) === 0) return false;
  const failure = endFailure(data);
  if (failure !== undefined) throw failure;
  return true;
}

function parse<M extends MessageType>(type: M, bytes: Uint8Array): Shape<M> {
  try {
    // What a message type reads is of its own shape.
    return type.decode(bytes) as Shape<M>;
  } catch (cause) {
    throw new ProtocolError({ reason: "an answer cannot be read" }, { cause });
  }
}
