/** Spans in Effect's Tracer: one for each call that is made under a span, and those that Python code has ended within such a call. */
import { Clock, Context, Exit, Fiber, Option, Tracer } from "effect";
import type { SpanAttribute as AttributeMessage, SpanEnded } from "../gen/snakepit/v1/frame_pb.ts";
import type { SpanAttribute, SpanEvent } from "./event.ts";
import type { Telemetry } from "./telemetry.ts";
import { traceparentOf } from "./traceparent.ts";

/** Traces whose tracer is remembered; the oldest are forgotten. */
const MOST_TRACES = 1_000;
/** Who records which trace. No two traces have the same id, so one table serves all pits. */
const tracers = new Map<string, Tracer.Tracer>();

/** The span of one call. */
export interface CallSpan {
  /** The trace context for Python. */
  readonly traceparent: string;
  /** Says something about it. */
  attribute(name: string, value: string | number): void;
  /** The call is over. */
  end(exit: Exit.Exit<unknown, unknown>): void;
}

/** Who makes spans, and when it is. */
export interface SpanMaker {
  readonly tracer: Tracer.Tracer;
  readonly clock: Clock.Clock;
}

/** Opens the span of a call that the running fiber makes; undefined when that fiber is in no span. */
export function callSpan(tool: string): CallSpan | undefined {
  const fiber = Fiber.getCurrent();
  if (fiber?.cache.span === undefined || !fiber.cache.tracerEnabled) return undefined;
  const parent = propagated(fiber.cache.span);
  if (parent === undefined) return undefined;
  const tracer = fiber.cache.tracer ?? Tracer.nativeTracer;
  return callSpanIn(parent, tool, { tracer, clock: Context.get(fiber.context, Clock.Clock) });
}

/** Opens the span of a call that is made in another one. */
export function callSpanIn(parent: Tracer.AnySpan, tool: string, { tracer, clock }: SpanMaker): CallSpan {
  const span = tracer.span({
    name: tool,
    parent: Option.some(parent),
    annotations: Context.empty(),
    links: [],
    startTime: clock.currentTimeNanosUnsafe(),
    kind: "client",
    root: false,
    sampled: parent.sampled,
  });
  span.attribute("rpc.system.name", "snakepit");
  span.attribute("rpc.method", tool);
  const traceparent = traceparentOf(span);
  // As Python names the trace.
  remember(traceparent.slice(3, 35), tracer);
  return {
    traceparent,
    attribute: (key, value) => span.attribute(key, value),
    end: (exit) => span.end(clock.currentTimeNanosUnsafe(), exit),
  };
}

function remember(traceId: string, tracer: Tracer.Tracer): void {
  // Put last: the first is the one that was used longest ago.
  tracers.delete(traceId);
  tracers.set(traceId, tracer);
  const [oldest] = tracers.keys();
  if (tracers.size > MOST_TRACES && oldest !== undefined) tracers.delete(oldest);
}

/** Takes a span that Python code has ended: tells it, and has it recorded by whoever records its trace. */
export function takeSpan(
  ended: SpanEnded,
  where: { readonly pool: string; readonly worker: string; readonly telemetry: Telemetry; readonly tracer: Tracer.Tracer },
): void {
  const { name, traceId, spanId, parentId, error, tool } = ended;
  const { pool, worker, telemetry } = where;
  const span: Omit<SpanEvent, "time"> = {
    type: "span.ended",
    pool,
    worker,
    tool,
    session: ended.sessionId,
    name,
    traceId,
    spanId,
    parentId,
    startNanos: ended.startUnixNanos,
    endNanos: ended.endUnixNanos,
    attributes: Object.fromEntries(Object.entries(ended.attributes).map(([key, value]) => [key, attributeOf(value)])),
    error,
  };
  telemetry.say(span);
  record(span, tracers.get(traceId) ?? where.tracer);
}

function record(ended: Omit<SpanEvent, "time">, tracer: Tracer.Tracer): void {
  const { name, traceId, spanId, parentId, attributes, error } = ended;
  const span = tracer.span({
    name,
    parent: Option.some(Tracer.externalSpan({ traceId, spanId: parentId, sampled: true })),
    annotations: Context.empty(),
    links: [],
    startTime: ended.startNanos,
    kind: "internal",
    root: false,
    sampled: true,
  });
  // A tracer gives each span an id of its own. This one was known under its id before: spans within it have ended, and calls may have been made there.
  Object.defineProperty(span, "spanId", { value: spanId });
  for (const [key, value] of Object.entries({ ...attributes, "snakepit.worker": ended.worker })) span.attribute(key, value);
  span.end(ended.endNanos, error === "" ? Exit.void : Exit.fail(error));
}

/** The innermost span that others may be put under, as Effect's own children choose it. */
function propagated(span: Tracer.AnySpan): Tracer.AnySpan | undefined {
  if (!Context.get(span.annotations, Tracer.DisablePropagation)) return span;
  const parent = span._tag === "Span" ? Option.getOrUndefined(span.parent) : undefined;
  return parent === undefined ? undefined : propagated(parent);
}

function attributeOf({ value }: AttributeMessage): SpanAttribute {
  if (value.case === undefined) return "";
  return value.case === "whole" ? Number(value.value) : value.value;
}
