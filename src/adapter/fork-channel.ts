/** How a host and its fork server talk: the handshake of workers, then Event frames with orders and reports. */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { copyBytes, fault, Kind } from "../carrier/frame.ts";
import { DEFAULT_LIMITS, Link } from "../carrier/link.ts";
import { reach } from "../carrier/local/dial.ts";
import { type LocalWorker, readHello } from "../carrier/local/hello.ts";
import type { SnakepitError } from "../errors/index.ts";
import { memberFromDetail } from "../errors/wire.ts";
import { type ForkOrder, ForkOrderSchema, type ForkReport, ForkReportSchema } from "../gen/snakepit/v1/fork_pb.ts";
import type { StreamSocket } from "../runtime/socket.ts";

/** An open channel. */
export interface ForkChannel {
  /** Orders a worker. Ignored when the channel is closed. */
  order(order: Omit<ForkOrder, "$typeName" | "$unknown">): void;
  /** Closes it, which ends the server. */
  close(): void;
}

/** What the owner of a channel hears. */
export interface ForkChannelEvents {
  onReport(report: ForkReport["report"]): void;
  /** It is closed, by either side. */
  onClose(reason: SnakepitError): void;
}

/**
 * Connects to a fork server and waits until it has imported what `server.tools` names. Rejects with the server's own error (WorkerStartFailed) when that
 * fails, and with the reason of `signal` when it is aborted.
 */
export async function openForkChannel(server: LocalWorker, events: ForkChannelEvents, signal: AbortSignal): Promise<ForkChannel> {
  const link = new Link(DEFAULT_LIMITS, server.workerId);
  const greeted = Promise.withResolvers<void>();
  // It may be rejected while the sockets are still being connected.
  greeted.promise.catch(() => {});
  let lifeline: StreamSocket | undefined;
  const close = (): void => {
    link.close();
    lifeline?.destroy();
  };
  link.onClosed = (reason) => {
    lifeline?.destroy();
    greeted.reject(reason);
    events.onClose(reason);
  };
  link.control = {
    control(bytes, kind, _call, _aux, start, end) {
      if (kind === Kind.EVENT) return events.onReport(fromBinary(ForkReportSchema, copyBytes(bytes, start, end)).report);
      if (kind !== Kind.HELLO) throw fault(`a frame of kind ${kind} from a fork server`);
      const { failure } = readHello(bytes, start, end);
      if (failure === undefined) greeted.resolve();
      else greeted.reject(memberFromDetail(failure));
    },
  };
  signal.addEventListener("abort", close);
  try {
    lifeline = await reach(server, link, signal);
    await greeted.promise;
    signal.throwIfAborted();
  } catch (error) {
    close();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener("abort", close);
  }
  return {
    order(order) {
      if (link.reason !== undefined) return;
      link.writer.message(Kind.EVENT, 0, 0, 0, 0, [toBinary(ForkOrderSchema, create(ForkOrderSchema, order))]);
    },
    close,
  };
}
