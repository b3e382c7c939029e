/**
 * A Connect-ES transport over a {@link Link}: unary and all streaming kinds, headers, trailers, error details, timeouts, cancellation.
 *
 * Interceptors are left out: nothing of the family uses them, and running through Connect's own machinery for them costs more than the call.
 */
import type { DescMessage, DescMethodStreaming, DescMethodUnary, MessageInitShape } from "@bufbuild/protobuf";
import { Code, ConnectError, type StreamResponse, type Transport, type UnaryResponse } from "@connectrpc/connect";
import { toLocalConnectError } from "../errors/wire.ts";
import { type Link, Mark } from "./link.ts";
import { OpenedCalls } from "./opened-calls.ts";
import { StreamCall } from "./stream-call.ts";
import { UnaryCall } from "./unary-call.ts";

/**
 * A transport for generated clients. There is one for each link and mark: a second one takes its answers.
 *
 * A call whose connection is lost fails with UNAVAILABLE, one past its `timeoutMs` with DEADLINE_EXCEEDED, one whose signal is aborted with
 * CANCELED; in the last two cases the other side hears of it. Leaving the messages of a streaming response by `return` cancels the call as well; note that the clients of
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
          new UnaryCall(calls, method, signal, timeoutMs, resolve, reject).send(header, input);
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
          new StreamCall(calls, method, signal, timeoutMs, resolve, reject).open(header, input);
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
