/** A unary call through a transport. */
import { create, type DescMessage, type DescMethodUnary, type MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import { CallLimits, timeoutField } from "./call-limits.ts";
import { decodeMessage, encodeMessage, sendMessage, unreadableMessage } from "./connect-message.ts";
import { Kind } from "./frame.ts";
import { connectErrorOf, decodeCallError, decodeCallMeta, toHeaders } from "./headers.ts";
import type { OpenedCall, OpenedCalls } from "./opened-calls.ts";

/** One call, from its request to its response. */
export class UnaryCall<I extends DescMessage, O extends DescMessage> implements OpenedCall {
  wireId = 0;
  private readonly calls: OpenedCalls;
  private readonly method: DescMethodUnary<I, O>;
  private readonly signal: AbortSignal | undefined;
  private readonly timeoutMs: number | undefined;
  private readonly resolve: (response: UnaryResponse<I, O>) => void;
  private readonly reject: (error: ConnectError) => void;
  private limits: CallLimits | undefined;

  constructor(
    calls: OpenedCalls,
    method: DescMethodUnary<I, O>,
    signal: AbortSignal | undefined,
    timeoutMs: number | undefined,
    resolve: (response: UnaryResponse<I, O>) => void,
    reject: (error: ConnectError) => void,
  ) {
    this.calls = calls;
    this.method = method;
    this.signal = signal;
    this.timeoutMs = timeoutMs;
    this.resolve = resolve;
    this.reject = reject;
  }

  /** Sends the request. Throws when that is not possible; then nothing was sent. */
  send(headers: Headers, input: MessageInitShape<I>): void {
    const { link } = this.calls;
    const prefix = this.calls.head(this.method, headers);
    const request = encodeMessage(link, this.method.input, create(this.method.input, input), prefix);
    const id = this.calls.add(this);
    if (this.signal !== undefined || this.timeoutMs !== undefined) {
      this.limits = new CallLimits(this.signal, this.timeoutMs, (error) => this.calls.cancel(this, error));
    }
    sendMessage(link, id, { kind: Kind.OPEN, prefix, aux: timeoutField(this.timeoutMs) }, request);
  }

  answer(bytes: Uint8Array, kind: number, prefix: number, aux: number, start: number, end: number, owned: boolean): void {
    if (kind === Kind.CREDIT || kind === Kind.HEAD) return;
    const id = this.wireId;
    if (kind !== Kind.RESULT && kind !== Kind.ERROR) {
      this.calls.cancel(this, new ConnectError("a unary call was answered with a stream", Code.Internal));
      return;
    }
    this.calls.ended(this);
    this.limits?.stop();
    try {
      if (kind === Kind.ERROR) {
        this.reject(connectErrorOf(decodeCallError(bytes, start, end), aux));
        return;
      }
      const { method } = this;
      const meta = decodeCallMeta(bytes, start, start + prefix);
      const { message } = decodeMessage(this.calls.link, method.output, id, bytes, start + prefix, end, owned);
      const header = toHeaders(meta.headers);
      const trailer = toHeaders(meta.trailers);
      this.resolve({ stream: false, service: method.parent, method, header, trailer, message });
    } catch (error) {
      this.reject(unreadableMessage(error));
    }
  }

  fail(error: ConnectError): void {
    this.limits?.stop();
    this.reject(error);
  }
}
