/** A connection to one worker, whatever carries its bytes. */
import { toBinary } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { createServiceImplSpec } from "@connectrpc/connect";
import type { SnakepitError } from "../errors/index.ts";
import { type HostEvent, HostEventSchema, type WorkerHello } from "../gen/snakepit/v1/frame_pb.ts";
import { HostService } from "../gen/snakepit/v1/host_pb.ts";
import type { CarriedCall } from "../tool/call.ts";
import { CallServer } from "./call-server.ts";
import type { Connection, ConnectionOptions } from "./carrier.ts";
import { fault, Kind } from "./frame.ts";
import type { Link } from "./link.ts";
import { readEvent, ToolCalls } from "./tool-calls.ts";
import { createLinkTransport } from "./transport.ts";

/** {@link Connection} over a {@link Link} on which both sides have said hello. */
export class WorkerConnection implements Connection {
  readonly hello: WorkerHello;
  readonly transport: Transport;
  private readonly link: Link;
  private readonly calls: ToolCalls;
  private readonly closeAll: () => void;

  /** @param closeAll Called by {@link close}: closes whatever else belongs to the connection. */
  constructor(link: Link, hello: WorkerHello, options: ConnectionOptions, closeAll: () => void = () => {}) {
    const { events, handlers } = options;
    const calls = new ToolCalls(link);
    this.link = link;
    this.hello = hello;
    this.calls = calls;
    this.closeAll = closeAll;
    this.transport = createLinkTransport(link);
    link.tools = calls;
    link.worker = new CallServer(link, [createServiceImplSpec(HostService, handlers)]);
    link.control = {
      control(bytes, kind, call, _aux, start, end) {
        if (kind === Kind.EVENT) {
          const event = readEvent(bytes, start, end);
          if (event.case === "log") events.onLog(event.value, calls.running(call));
          else if (event.case === "progress") calls.progress(call, event.value);
          else if (event.case === "span") events.onSpan?.(event.value);
          else if (event.case === "segmentsOpened") link.memory?.opened(event.value.segments);
          else if (event.case === "segmentsClosed") link.memory?.closed(event.value.segments);
          else if (event.case === "leasesReturned") link.memory?.returned(event.value.leases);
        } else if (kind === Kind.SHUTDOWN) events.onGoing();
        else throw fault(`a frame of kind ${kind} that belongs to no call`);
      },
    };
    link.onClosed = (reason: SnakepitError) => events.onClose(reason, calls.takeFailed());
  }

  get inFlight(): number {
    return this.calls.inFlight;
  }

  start(call: CarriedCall): void {
    this.calls.start(call);
  }

  send(event: HostEvent): void {
    if (this.link.reason === undefined) this.link.writer.message(Kind.EVENT, 0, 0, 0, 0, [toBinary(HostEventSchema, event)]);
  }

  cancel(call: CarriedCall): void {
    this.calls.cancel(call);
  }

  release(call: CarriedCall, cost: number): void {
    this.calls.release(call, cost);
  }

  shutdown(graceMs: number): void {
    if (this.link.reason === undefined) this.link.writer.control(Kind.SHUTDOWN, 0, 0, Math.max(0, Math.ceil(graceMs)));
  }

  close(): void {
    this.link.close();
    this.closeAll();
  }
}
