/**
 * A Connect-ES transport over a {@link Link}: unary and all streaming kinds, headers, trailers, error details, timeouts, cancellation.
 *
 * Interceptors are left out: nothing of the family uses them, and running through Connect's own machinery for them costs more than the call.
 */
import type { DescMessage, DescMethod, DescMethodStreaming, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import type { PayloadTooLarge, SnakepitError } from "../errors/index.ts";
import { toLocalConnectError } from "../errors/wire.ts";
import { CallTable, type TableEntry } from "./call-table.ts";
import { Kind } from "./frame.ts";
import { encodeCallHead } from "./headers.ts";
import { type CallSink, type Link, Mark } from "./link.ts";
import { StreamCall } from "./stream-call.ts";
import { checkAnswer } from "./tool-calls.ts";
import { UnaryCall } from "./unary-call.ts";

/** A call that was opened through a transport. */
export interface OpenedCall extends TableEntry {
  /** Takes an answer. What it throws fails the connection. */
  answer(bytes: Uint8Array, kind: number, prefix: number, aux: number, start: number, end: number, owned: boolean): void;
  /** It has failed on this side and is out of the table. */
  fail(error: ConnectError): void;
}

/** The calls that a transport has in flight. */
export class OpenedCalls implements CallSink {
  readonly link: Link;
  private readonly table: CallTable<OpenedCall>;
  private readonly heads = new Map<DescMethod, Uint8Array>();

  constructor(link: Link, mark: number) {
    this.link = link;
    this.table = new CallTable(mark);
  }

  add(call: OpenedCall): number {
    return this.table.add(call);
  }

  /** Takes a call out that the other side has ended. What still waits to go there is dropped, which a Cancel must follow. */
  ended(call: OpenedCall): void {
    const id = call.wireId;
    if (!this.table.remove(call) || !this.link.writer.waits(id)) return;
    this.link.writer.drop(id);
    this.link.writer.control(Kind.CANCEL, 0, id, 0);
  }

  /** Ends a call on this side. Answers false when it has ended already. */
  cancel(call: OpenedCall, error: ConnectError): boolean {
    const id = call.wireId;
    if (!this.table.remove(call)) return false;
    this.link.forget(id);
    this.link.writer.control(Kind.CANCEL, 0, id, 0);
    call.fail(error);
    return true;
  }

  /** What precedes the message of an Open frame. */
  head(method: DescMethod, headers: Headers): Uint8Array {
    const hasHeaders = !headers.keys().next().done;
    const kept = hasHeaders ? undefined : this.heads.get(method);
    if (kept !== undefined) return kept;
    const head = encodeCallHead(`/${method.parent.typeName}/${method.name}`, headers);
    if (!hasHeaders) this.heads.set(method, head);
    return head;
  }

  message(
    bytes: Uint8Array,
    kind: number,
    _flags: number,
    prefix: number,
    id: number,
    aux: number,
    start: number,
    end: number,
    owned: boolean,
  ): void {
    checkAnswer(kind);
    this.table.get(id)?.answer(bytes, kind, prefix, aux, start, end, owned);
  }

  isOpen(id: number): boolean {
    return this.table.get(id) !== undefined;
  }

  tooLarge(id: number, error: PayloadTooLarge): void {
    const call = this.table.get(id);
    if (call !== undefined) this.cancel(call, toLocalConnectError(error));
  }

  closed(reason: SnakepitError): void {
    for (const call of this.table.clear()) call.fail(toLocalConnectError(reason));
  }
}

/**
 * A transport for generated clients. There is one for each link and mark: a second one takes its answers.
 *
 * A call whose connection is lost fails with UNAVAILABLE, one past its `timeoutMs` with DEADLINE_EXCEEDED, one whose signal is aborted with CANCELED; in the last two
 * cases the other side hears of it. Leaving the messages of a streaming response by `return` cancels the call as well; note that the clients of
 * `@connectrpc/connect` hide that from a `for await`, so give them a signal.
 *
 * @param mark Whose ids the calls have: {@link Mark.HOST} on the host's side, {@link Mark.WORKER} on the worker's.
 */
export function createLinkTransport(link: Link, mark: number = Mark.HOST): Transport {
  const calls = new OpenedCalls(link, mark);
  if (mark === Mark.WORKER) link.worker = calls;
  else link.host = calls;
  return {
    unary<I extends DescMessage, O extends DescMessage>(
      method: DescMethodUnary<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInit | undefined,
      input: MessageInitShape<I>,
    ): Promise<UnaryResponse<I, O>> {
      return new Promise((resolve, reject) => {
        try {
          check(link, signal, timeoutMs);
          new UnaryCall(calls, method, signal, timeoutMs, resolve, reject).send(new Headers(header), input);
        } catch (error) {
          reject(toLocalConnectError(error));
        }
      });
    },
    stream<I extends DescMessage, O extends DescMessage>(
      method: DescMethodStreaming<I, O>,
      signal: AbortSignal | undefined,
      timeoutMs: number | undefined,
      header: HeadersInit | undefined,
      input: AsyncIterable<MessageInitShape<I>>,
    ): Promise<StreamResponse<I, O>> {
      const response = new Promise<StreamResponse<I, O>>((resolve, reject) => {
        try {
          check(link, signal, timeoutMs);
          new StreamCall(calls, method, signal, timeoutMs, resolve, reject).open(new Headers(header), input);
        } catch (error) {
          reject(toLocalConnectError(error));
        }
      });
      // Connect's clients look at it when they are asked for the first message. A call that has failed before is no reason to end the program.
      response.catch(() => {});
      return response;
    },
  };
}

function check(link: Link, signal: AbortSignal | undefined, timeoutMs: number | undefined): void {
  if (signal?.aborted) throw ConnectError.from(signal.reason, Code.Canceled);
  if (timeoutMs !== undefined && timeoutMs <= 0) throw timedOut();
  if (link.reason !== undefined) throw link.lost();
}

/** What a call past its timeout fails with. */
export function timedOut(): ConnectError {
  return new ConnectError("the operation timed out", Code.DeadlineExceeded);
}
