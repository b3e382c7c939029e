/** One call of a host tool while it runs. */
import type { HandlerContext } from "@connectrpc/connect";
import { timeoutError } from "../carrier/served-context.ts";
import { CallTimeout } from "../errors/index.ts";
import type { Caller } from "../gen/snakepit/v1/session_pb.ts";
import { isTraceparent } from "../telemetry/traceparent.ts";
import type { HostCall } from "../tool/host-call.ts";
import type { HostToolContext } from "./host-tools.ts";

/** The worker that calls. */
export interface CallingWorker {
  /** Its id, unique within its pit. */
  readonly id: string;
  /** Marker of its pit, which no other has. */
  readonly run: string;
  /** Its pool. */
  readonly pool: string;
  /** The call of a host tool that one of its own calls is part of, by the number of that call; undefined when the program made it. */
  hostCallOf(call: number): HostCall | undefined;
}

/** What the two requests for a host tool have in common. */
export interface ToolRequest {
  readonly sessionId: string;
  readonly depth: number;
  readonly waiter: number;
  readonly traceparent: string;
  readonly caller?: Caller | undefined;
}

/** A call of a host tool, for the tool itself and for the calls that it makes. */
export class RunningCall implements HostCall, HostToolContext {
  readonly depth: number;
  readonly waiter: number;
  readonly traceparent: string;
  readonly sessionId: string;
  readonly deadline: number;
  readonly run: string;
  readonly worker: string;
  readonly pool: string;
  readonly parent: HostCall | undefined;
  over = false;
  readonly #context: HandlerContext;

  constructor(tool: string, request: ToolRequest, worker: CallingWorker, context: HandlerContext) {
    const timeoutMs = context.timeoutMs();
    this.depth = request.depth;
    this.waiter = request.waiter;
    this.traceparent = isTraceparent(request.traceparent) ? request.traceparent : "";
    this.sessionId = request.sessionId;
    this.deadline = Number.POSITIVE_INFINITY;
    if (timeoutMs !== undefined) {
      this.deadline = performance.now() + timeoutMs;
      context.values.set(timeoutError, () => new CallTimeout({ tool, timeoutMs: Math.round(timeoutMs), limit: "call" }));
    }
    this.run = worker.run;
    this.worker = worker.id;
    this.pool = worker.pool;
    // Before the tool runs: the call that asks is on its way now.
    this.parent = request.depth > 1 && request.caller !== undefined ? worker.hostCallOf(request.caller.call) : undefined;
    this.#context = context;
  }

  get session(): string {
    return this.sessionId;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }
}
