/** A unary call through a transport. */
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type DescService,
  type Message,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { Code, ConnectError, type UnaryResponse } from "@connectrpc/connect";
import type { CallMeta } from "../gen/snakepit/v1/frame_pb.ts";
import { CallLimits, timeoutField } from "./call-limits.ts";
import { executeTool, plainRequest, plainResponse } from "./connect-execute.ts";
import { decodeMessage, encodeMessage, sendMessage, unreadableMessage } from "./connect-message.ts";
import { plainLength, sendPlain } from "./execute.ts";
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
  send(headers: HeadersInit | undefined, input: MessageInitShape<I>): void {
    const { calls, method } = this;
    const { link } = calls;
    const aux = timeoutField(this.timeoutMs);
    const plain = method === executeTool && headers === undefined ? plainRequest(input) : undefined;
    if (plain !== undefined) {
      const prefix = calls.prefixes.get(plain.sessionId, plain.tool);
      const length = plainLength(prefix, plain.args);
      // Nothing waits of a call that has no id yet.
      if (length <= link.peer.maxMessageBytes && link.writer.fits(0, length)) {
        sendPlain(link.writer, Kind.EXECUTE, this.begin(), aux, prefix, plain.args);
        return;
      }
    }
    const prefix = calls.head(method, headers);
    const request = encodeMessage(link, method.input, create(method.input, input), prefix);
    sendMessage(link, this.begin(), { kind: Kind.OPEN, prefix, aux }, request);
  }

  /** From here on it is in flight. Answers its id. */
  private begin(): number {
    const id = this.calls.add(this);
    if (this.signal !== undefined || this.timeoutMs !== undefined) {
      this.limits = new CallLimits(this.signal, this.timeoutMs, (error) => this.calls.cancel(this, error));
    }
    return id;
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
      const meta = prefix === 0 ? undefined : decodeCallMeta(bytes, start, start + prefix);
      this.resolve(new Answer(this.method, this.message(bytes, id, start + prefix, end, owned), meta));
    } catch (error) {
      this.reject(unreadableMessage(error));
    }
  }

  fail(error: ConnectError): void {
    this.limits?.stop();
    this.reject(error);
  }

  private message(bytes: Uint8Array, id: number, start: number, end: number, owned: boolean): MessageShape<O> {
    const { calls, method } = this;
    const plain: Message | undefined = method === executeTool ? plainResponse(bytes, start, end) : undefined;
    if (plain === undefined) return decodeMessage(calls.link, method.output, id, bytes, start, end, owned).message;
    calls.link.takeAttached(id);
    // The method's response is that message, which the compiler does not see.
    return plain as MessageShape<O>;
  }
}

/**
 * What a call resolves with. Nearly nobody looks at headers and trailers, and each takes longer to make than a small message: they are made when they are asked
 * for.
 */
class Answer<I extends DescMessage, O extends DescMessage> implements UnaryResponse<I, O> {
  readonly stream = false;
  readonly method: DescMethodUnary<I, O>;
  readonly message: MessageShape<O>;
  private readonly meta: CallMeta | undefined;
  private headers: Headers | undefined;
  private trailers: Headers | undefined;

  constructor(method: DescMethodUnary<I, O>, message: MessageShape<O>, meta: CallMeta | undefined) {
    this.method = method;
    this.message = message;
    this.meta = meta;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get header(): Headers {
    this.headers ??= toHeaders(this.meta?.headers ?? []);
    return this.headers;
  }

  get trailer(): Headers {
    this.trailers ??= toHeaders(this.meta?.trailers ?? []);
    return this.trailers;
  }
}
