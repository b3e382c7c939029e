/** A streaming call that the other side opened, of any of the three kinds. */
import { create, type DescMessage, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type MethodImplSpec } from "@connectrpc/connect";
import { decodeMessage, encodeMessage, sendMessage, unreadableMessage } from "./connect-message.ts";
import { Kind } from "./frame.ts";
import type { Link } from "./link.ts";
import { ServedCall } from "./served-call.ts";
import type { ServedContext } from "./served-context.ts";
import { IncomingMessages, SendCredit } from "./stream-credit.ts";

/** A method that streams, either way. */
export type StreamMethod = Exclude<MethodImplSpec, { kind: "unary" }>;

type Requests = AsyncIterable<MessageShape<DescMessage>>;
type Responses = AsyncIterable<MessageInitShape<DescMessage>>;

/** One call. */
export class ServedStream extends ServedCall {
  private readonly method: StreamMethod;
  private readonly requests: IncomingMessages<MessageShape<DescMessage>>;
  private readonly credit: SendCredit;

  constructor(link: Link, table: Map<number, ServedCall>, id: number, context: ServedContext, method: StreamMethod) {
    super(link, table, id, context);
    this.method = method;
    this.credit = new SendCredit(link.peer.streamWindowBytes);
    this.requests = new IncomingMessages(
      link.limits.streamWindowBytes,
      (credit) => {
        if (!this.isOver) link.writer.control(Kind.CREDIT, 0, id, credit);
      },
      () => {},
    );
  }

  /** Runs the method; its requests come as messages. */
  run(): void {
    this.pend();
    void this.respond().catch((error: unknown) => this.fail(error));
  }

  override request(bytes: Uint8Array, items: number, start: number, end: number, owned: boolean): void {
    try {
      const { message, cost } = decodeMessage(this.link, this.method.method.input, this.id, bytes, start, end, owned, items);
      this.requests.push(message, cost);
    } catch (error) {
      this.fail(unreadableMessage(error));
    }
  }

  override requestsEnd(): void {
    this.requests.end();
  }

  override grant(credit: number): void {
    this.credit.grant(credit);
  }

  private async respond(): Promise<void> {
    const { link, id } = this;
    const { output } = this.method.method;
    const responses = invoke(this.method, this.requests, this.context)[Symbol.asyncIterator]();
    while (await this.credit.ready()) {
      const next = await responses.next();
      if (this.isOver) break;
      if (next.done === true) {
        const meta = this.context.meta(this.hasHead);
        this.over();
        link.writer.message(Kind.END, 0, 0, id, 0, [meta]);
        return;
      }
      const message = encodeMessage(link, output, create(output, next.value));
      this.head();
      sendMessage(link, id, { kind: Kind.MESSAGE, aux: 1 }, message);
      this.credit.spend(message.cost);
    }
    // The implementation hears that nobody reads on.
    await responses.return?.();
  }

  private head(): void {
    if (this.hasHead) return;
    this.hasHead = true;
    const meta = this.context.head();
    if (meta.length > 0) this.link.writer.message(Kind.HEAD, 0, 0, this.id, 0, [meta]);
  }

  protected override over(reason?: ConnectError): void {
    if (this.isOver) return;
    super.over(reason);
    this.credit.stop();
    this.requests.abort(reason);
  }
}

async function* invoke(spec: StreamMethod, requests: Requests, context: ServedContext): Responses {
  switch (spec.kind) {
    case "server_streaming":
      yield* spec.impl(await only(requests), context);
      break;
    case "client_streaming":
      yield await spec.impl(requests, context);
      break;
    case "bidi_streaming":
      yield* spec.impl(requests, context);
  }
}

/** The one request of a method that takes no more. */
async function only(requests: Requests): Promise<MessageShape<DescMessage>> {
  let first: MessageShape<DescMessage> | undefined;
  for await (const request of requests) {
    if (first !== undefined) throw new ConnectError("a method that takes one message was sent more", Code.Unimplemented);
    first = request;
  }
  if (first === undefined) throw new ConnectError("a method that takes one message was sent none", Code.Unimplemented);
  return first;
}
