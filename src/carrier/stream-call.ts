/** A streaming call through a transport, of any of the three kinds. */
import { create, type DescMessage, type DescMethodStreaming, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse } from "@connectrpc/connect";
import { toLocalConnectError } from "../errors/wire.ts";
import type { Header } from "../gen/snakepit/v1/frame_pb.ts";
import { CallLimits, timeoutField } from "./call-limits.ts";
import { checkHeaders, decodeMessage, encodeMessage, sendMessage, unreadableMessage } from "./connect-message.ts";
import { Flag, Kind } from "./frame.ts";
import { connectErrorOf, decodeCallError, decodeCallMeta, toHeaders } from "./headers.ts";
import type { OpenedCall, OpenedCalls } from "./opened-calls.ts";
import { IncomingMessages, SendCredit } from "./stream-credit.ts";

/** One call, from its first request to its last response. */
export class StreamCall<I extends DescMessage, O extends DescMessage> implements OpenedCall {
  wireId = 0;
  private readonly calls: OpenedCalls;
  private readonly method: DescMethodStreaming<I, O>;
  private readonly signal: AbortSignal | undefined;
  private readonly timeoutMs: number | undefined;
  private readonly resolve: (response: StreamResponse<I, O>) => void;
  private readonly reject: (error: ConnectError) => void;
  private readonly messages: IncomingMessages<MessageShape<O>>;
  private readonly credit: SendCredit;
  private readonly trailer = new Headers();
  private limits: CallLimits | undefined;
  private requests: AsyncIterator<MessageInitShape<I>> | undefined;
  private hasHead = false;

  constructor(
    calls: OpenedCalls,
    method: DescMethodStreaming<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    resolve: (response: StreamResponse<I, O>) => void,
    reject: (error: ConnectError) => void,
  ) {
    this.calls = calls;
    this.method = method;
    this.signal = signal;
    this.timeoutMs = timeoutMs;
    this.resolve = resolve;
    this.reject = reject;
    const { link } = calls;
    this.credit = new SendCredit(link.peer.streamWindowBytes);
    this.messages = new IncomingMessages(
      link.limits.streamWindowBytes,
      (credit) => link.writer.control(Kind.CREDIT, 0, this.wireId, credit),
      () => calls.cancel(this, new ConnectError("the stream was left", Code.Canceled)),
    );
  }

  /** Opens the call and begins to send. Throws when that is not possible; then nothing was sent. */
  open(headers: HeadersInit | undefined, input: AsyncIterable<MessageInitShape<I>>): void {
    const prefix = this.calls.head(this.method, headers);
    const { link } = this.calls;
    checkHeaders(prefix);
    const id = this.calls.add(this);
    this.limits = new CallLimits(this.signal, this.timeoutMs, (error) => this.calls.cancel(this, error));
    link.writer.message(Kind.OPEN, Flag.STREAM, prefix.length, id, timeoutField(this.timeoutMs), [prefix]);
    void this.sendAll(input);
  }

  answer(bytes: Uint8Array, kind: number, prefix: number, aux: number, start: number, end: number, owned: boolean): void {
    try {
      this.take(bytes, kind, prefix, aux, start, end, owned);
    } catch (error) {
      const failure = unreadableMessage(error);
      if (!this.calls.cancel(this, failure)) this.finish(failure);
    }
  }

  fail(error: ConnectError): void {
    if (!this.hasHead) {
      this.hasHead = true;
      this.reject(error);
    }
    this.messages.abort(error);
    this.finish();
  }

  private take(bytes: Uint8Array, kind: number, prefix: number, aux: number, start: number, end: number, owned: boolean): void {
    switch (kind) {
      case Kind.HEAD:
        this.head(decodeCallMeta(bytes, start, end).headers);
        break;
      case Kind.MESSAGE: {
        const { message, cost } = decodeMessage(this.calls.link, this.method.output, this.wireId, bytes, start, end, owned, aux);
        this.head([]);
        this.messages.push(message, cost);
        break;
      }
      case Kind.CREDIT:
        this.credit.grant(aux);
        break;
      case Kind.END:
        this.end(bytes, start, end);
        break;
      case Kind.RESULT: {
        const { message, cost } = decodeMessage(this.calls.link, this.method.output, this.wireId, bytes, start + prefix, end, owned);
        this.head(decodeCallMeta(bytes, start, start + prefix).headers);
        this.messages.push(message, cost);
        this.end(bytes, start, start + prefix);
        break;
      }
      case Kind.ERROR: {
        this.calls.ended(this);
        const error = decodeCallError(bytes, start, end);
        this.head(error.headers);
        this.addTrailers(error.trailers);
        this.finish(connectErrorOf(error, aux));
        break;
      }
    }
  }

  /** The headers are known: from now on the program has the response. */
  private head(headers: readonly Header[]): void {
    if (this.hasHead) return;
    this.hasHead = true;
    const { method, trailer, messages: message } = this;
    this.resolve({ stream: true, service: method.parent, method, header: toHeaders(headers), trailer, message });
  }

  private end(bytes: Uint8Array, start: number, end: number): void {
    this.calls.ended(this);
    const meta = decodeCallMeta(bytes, start, end);
    this.head(meta.headers);
    this.addTrailers(meta.trailers);
    this.finish();
  }

  private addTrailers(trailers: readonly Header[]): void {
    toHeaders(trailers).forEach((value, name) => {
      this.trailer.append(name, value);
    });
  }

  /** The call is out of the table. */
  private finish(error?: ConnectError): void {
    this.limits?.stop();
    this.messages.end(error);
    this.credit.stop();
    const { requests } = this;
    this.requests = undefined;
    // The program's iterable hears that nobody reads on; what it answers is of no use to anyone.
    void (async () => requests?.return?.())().catch(() => {});
  }

  private async sendAll(input: AsyncIterable<MessageInitShape<I>>): Promise<void> {
    const { link } = this.calls;
    try {
      const requests = input[Symbol.asyncIterator]();
      this.requests = requests;
      while (await this.credit.ready()) {
        const next = await requests.next();
        if (this.wireId === 0) return;
        if (next.done === true) {
          this.requests = undefined;
          link.writer.message(Kind.END, 0, 0, this.wireId, 0, []);
          return;
        }
        const message = encodeMessage(link, this.method.input, create(this.method.input, next.value));
        sendMessage(link, this.wireId, { kind: Kind.MESSAGE, aux: 1 }, message);
        this.credit.spend(message.cost);
      }
    } catch (error) {
      this.calls.cancel(this, toLocalConnectError(error));
    }
  }
}
