/** Answers the calls that the other side opens. */
import { type DescMessage, fromBinary, type MessageShape } from "@bufbuild/protobuf";
import { Code, ConnectError, createHandlerContext, type MethodImplSpec, type ServiceImplSpec } from "@connectrpc/connect";
import { invokeUnaryImplementation, transformInvokeImplementation } from "@connectrpc/connect/protocol";
import type { PayloadTooLarge } from "../errors/index.ts";
import { toConnectError } from "../errors/wire.ts";
import { type CallHead, CallHeadSchema } from "../gen/snakepit/v1/frame_pb.ts";
import { decodeMessage, encodeMessage, sendMessage, unreadableMessage } from "./connect-message.ts";
import { Flag, fault, Kind } from "./frame.ts";
import { encodeCallError, encodeCallMeta, toHeaders } from "./headers.ts";
import type { CallSink, Link } from "./link.ts";
import { IncomingMessages, SendCredit } from "./stream-credit.ts";

/** Serves services over a {@link Link}: unary and all streaming kinds, headers, trailers, error details, deadlines, cancellation. */
export class CallServer implements CallSink {
  private readonly link: Link;
  private readonly methods = new Map<string, MethodImplSpec>();
  private readonly calls = new Map<number, ServedCall>();

  /** @param services What is served; make them with `createServiceImplSpec`. A method left out there is answered with UNIMPLEMENTED. */
  constructor(link: Link, services: readonly ServiceImplSpec[]) {
    this.link = link;
    for (const { service, methods } of services) {
      for (const spec of Object.values(methods)) this.methods.set(`/${service.typeName}/${spec.method.name}`, spec);
    }
  }

  message(
    bytes: Uint8Array,
    kind: number,
    flags: number,
    prefix: number,
    id: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    const call = this.calls.get(id);
    switch (kind) {
      case Kind.OPEN:
        if (call !== undefined) throw fault(`a second Open frame of call ${id}`);
        this.open(bytes, flags, prefix, id, aux, start, end, owned);
        break;
      case Kind.MESSAGE:
        call?.request(bytes, aux, start, end, owned);
        break;
      case Kind.END:
        call?.requests.end();
        break;
      case Kind.CREDIT:
        call?.credit.grant(aux);
        break;
      case Kind.CANCEL:
        call?.cancelled();
        break;
      default:
        throw fault(`a frame of kind ${kind} for a call of the sender's`);
    }
  }

  isOpen(id: number): boolean {
    return this.calls.has(id);
  }

  tooLarge(id: number, error: PayloadTooLarge): void {
    const call = this.calls.get(id);
    if (call !== undefined) call.fail(error);
    else this.refuse(id, toConnectError(error));
  }

  closed(): void {
    for (const call of [...this.calls.values()]) call.cancelled();
  }

  private open(
    bytes: Uint8Array,
    flags: number,
    prefix: number,
    id: number,
    timeoutMs: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    let head: CallHead;
    try {
      head = fromBinary(CallHeadSchema, bytes.subarray(start, start + prefix));
    } catch {
      throw fault("an Open frame without its CallHead");
    }
    const spec = this.methods.get(head.method);
    const isStream = (flags & Flag.STREAM) !== 0;
    if (spec === undefined || isStream === (spec.kind === "unary")) {
      this.link.forget(id);
      const reason = spec === undefined ? "is not implemented" : `is ${isStream ? "unary" : "streaming"}`;
      this.refuse(id, new ConnectError(`${head.method} ${reason}`, Code.Unimplemented));
      return;
    }
    const call = new ServedCall(this.link, spec, id, head, timeoutMs, () => this.calls.delete(id));
    this.calls.set(id, call);
    if (isStream) call.stream();
    else call.unary(bytes, start + prefix, end, owned);
  }

  private refuse(id: number, error: ConnectError): void {
    this.link.writer.message(Kind.ERROR, 0, 0, id, error.code, [encodeCallError(error)]);
  }
}

class ServedCall {
  readonly requests: IncomingMessages<MessageShape<DescMessage>>;
  readonly credit: SendCredit;
  private readonly link: Link;
  private readonly spec: MethodImplSpec;
  private readonly id: number;
  private readonly context: ReturnType<typeof createHandlerContext>;
  private readonly onOver: () => void;
  private isOver = false;
  private hasHead = false;

  constructor(link: Link, spec: MethodImplSpec, id: number, head: CallHead, timeoutMs: number, onOver: () => void) {
    this.link = link;
    this.spec = spec;
    this.id = id;
    this.onOver = onOver;
    this.credit = new SendCredit(link.peer.streamWindowBytes);
    this.requests = new IncomingMessages(
      link.limits.streamWindowBytes,
      (credit) => {
        if (!this.isOver) link.writer.control(Kind.CREDIT, 0, id, credit);
      },
      () => {},
    );
    const { method } = spec;
    this.context = createHandlerContext({
      service: method.parent,
      method,
      protocolName: "snakepit",
      requestMethod: "POST",
      url: `snakepit:${head.method}`,
      requestHeader: toHeaders(head.headers),
      ...(timeoutMs > 0 && { timeoutMs }),
    });
    // The only abort that comes while the call is on is that of its deadline.
    this.context.signal.addEventListener("abort", () => this.fail(this.context.signal.reason));
  }

  /** Runs a unary method on the request in its Open frame. */
  unary(bytes: Uint8Array, start: number, end: number, owned: boolean): void {
    const { spec } = this;
    if (spec.kind !== "unary") return;
    let request: MessageShape<DescMessage>;
    try {
      request = decodeMessage(this.link, spec.method.input, this.id, bytes, start, end, owned).message;
    } catch (error) {
      this.fail(unreadableMessage(error));
      return;
    }
    const { context } = this;
    void invokeUnaryImplementation(spec, context, request, []).then(
      (response) => {
        if (this.isOver) return;
        try {
          const prefix = encodeCallMeta(context.responseHeader, context.responseTrailer);
          const message = encodeMessage(this.link, spec.method.output, response, prefix);
          this.over();
          sendMessage(this.link, this.id, { kind: Kind.RESULT, prefix }, message);
        } catch (error) {
          this.fail(error);
        }
      },
      (error: unknown) => this.fail(error),
    );
  }

  /** Runs a streaming method; its requests come as messages. */
  stream(): void {
    void this.respond().catch((error: unknown) => this.fail(error));
  }

  request(bytes: Uint8Array, items: number, start: number, end: number, owned: boolean): void {
    try {
      const { message, cost } = decodeMessage(this.link, this.spec.method.input, this.id, bytes, start, end, owned, items);
      this.requests.push(message, cost);
    } catch (error) {
      this.fail(unreadableMessage(error));
    }
  }

  /** The other side wants no answer any more. */
  cancelled(): void {
    this.over(new ConnectError("the call was cancelled", Code.Canceled));
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    const { responseHeader, responseTrailer } = this.context;
    const failure = toConnectError(error);
    responseTrailer.forEach((value, name) => {
      failure.metadata.append(name, value);
    });
    const body = encodeCallError(failure, this.hasHead ? undefined : responseHeader);
    this.over(failure);
    this.link.writer.message(Kind.ERROR, 0, 0, this.id, failure.code, [body]);
  }

  private async respond(): Promise<void> {
    const { context, link, id } = this;
    const { output } = this.spec.method;
    const run = transformInvokeImplementation(this.spec, context, []);
    const responses = run(this.requests)[Symbol.asyncIterator]();
    while (await this.credit.ready()) {
      const next = await responses.next();
      if (this.isOver) break;
      if (next.done === true) {
        const meta = encodeCallMeta(this.hasHead ? undefined : context.responseHeader, context.responseTrailer);
        this.over();
        link.writer.message(Kind.END, 0, 0, id, 0, [meta]);
        return;
      }
      const message = encodeMessage(link, output, next.value);
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
    const meta = encodeCallMeta(this.context.responseHeader, undefined);
    if (meta.length > 0) this.link.writer.message(Kind.HEAD, 0, 0, this.id, 0, [meta]);
  }

  private over(reason?: ConnectError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.onOver();
    this.credit.stop();
    this.requests.abort(reason);
    // Also stops the timer of the deadline.
    this.context.abort(reason);
  }
}
