/** Spans and durations of the requests of a gateway, as OpenTelemetry's conventions for RPC have them. */
import { Code, ConnectError, createContextKey, type Interceptor } from "@connectrpc/connect";
import { Clock, Context, Exit, Metric, Option, Tracer } from "effect";
import { isSnakepitError } from "../../errors/index.ts";
import type { Pit } from "../../pit/pit.ts";
import type { SpanMaker } from "../../telemetry/call-span.ts";
import { seconds } from "../../telemetry/metrics.ts";
import { parseTraceparent } from "../../telemetry/traceparent.ts";
import { codeName } from "../access/audit.ts";

/** The span of a request, and who makes those within it. */
export interface RequestSpan extends SpanMaker {
  readonly span: Tracer.Span;
}

/** Where the handlers of a request find its span; undefined where nobody records spans. */
export const spanKey = createContextKey<RequestSpan | undefined>(undefined, { description: "snakepit/span" });

const duration = seconds("rpc.server.call.duration", "From a request of the gateway to the end of its answer");
/** Codes that are the server's failures and not the caller's. */
const failures: ReadonlySet<Code | undefined> = new Set([
  Code.Unknown,
  Code.DeadlineExceeded,
  Code.Unimplemented,
  Code.Internal,
  Code.Unavailable,
  Code.DataLoss,
]);

/** Goes around every handler, where a pit records spans or counts; undefined where it does neither. */
export function observing({ context, metrics }: Pit): Interceptor | undefined {
  const tracer = Context.get(context, Tracer.Tracer);
  const isTraced = tracer !== Tracer.nativeTracer;
  if (!isTraced && !metrics) return undefined;
  const clock = Context.get(context, Clock.Clock);
  /** By their attributes, of which there are few: methods and codes. */
  const series = new Map<string, typeof duration>();
  const seriesOf = (known: Readonly<Record<string, string>>): typeof duration => {
    const key = Object.values(known).join(" ");
    const there = series.get(key) ?? Metric.withAttributes(duration, { ...known });
    series.set(key, there);
    return there;
  };

  return (next) => async (request) => {
    const { service, method, header, url } = request;
    const begun = clock.currentTimeNanosUnsafe();
    const known: Record<string, string> = {
      "rpc.system.name": (header.get("content-type") ?? "").startsWith("application/grpc") ? "grpc" : "connectrpc",
      "rpc.method": `${service.typeName}/${method.name}`,
    };
    const span = isTraced ? begin(tracer, known, header.get("traceparent") ?? "", begun) : undefined;
    if (span !== undefined) {
      const host = new URL(url, "http://localhost");
      span.attribute("server.address", host.hostname);
      if (host.port !== "") span.attribute("server.port", Number(host.port));
      request.contextValues.set(spanKey, { span, tracer, clock });
    }
    const end = (error?: unknown): void => {
      const now = clock.currentTimeNanosUnsafe();
      const code = error === undefined ? undefined : codeOf(error);
      if (code !== undefined) known["rpc.response.status_code"] = codeName(code);
      if (code !== undefined && failures.has(code)) known["error.type"] = isSnakepitError(error) ? error._tag : codeName(code);
      if (metrics) seriesOf(known).updateUnsafe(Number(now - begun) / 1e9, context);
      for (const name of ["rpc.response.status_code", "error.type"]) if (known[name] !== undefined) span?.attribute(name, known[name]);
      span?.end(now, failures.has(code) ? Exit.fail(error) : Exit.void);
    };
    try {
      const response = await next(request);
      if (response.stream) return { ...response, message: untilEnd(response.message, end) };
      end();
      return response;
    } catch (error) {
      end(error);
      throw error;
    }
  };
}

const codeOf = (error: unknown): Code => (isSnakepitError(error) ? error.code : ConnectError.from(error).code);

function begin(tracer: Tracer.Tracer, known: Readonly<Record<string, string>>, traceparent: string, startTime: bigint): Tracer.Span {
  const caller = parseTraceparent(traceparent);
  const span = tracer.span({
    name: known["rpc.method"] ?? "",
    parent: caller === undefined ? Option.none() : Option.some(Tracer.externalSpan(caller)),
    annotations: Context.empty(),
    links: [],
    startTime,
    kind: "server",
    root: caller === undefined,
    sampled: caller?.sampled ?? true,
  });
  for (const [name, value] of Object.entries(known)) span.attribute(name, value);
  return span;
}

async function* untilEnd<T>(messages: AsyncIterable<T>, end: (error?: unknown) => void): AsyncIterable<T> {
  // Stays when whoever reads leaves.
  let error: unknown = new ConnectError("the caller has left", Code.Canceled);
  try {
    yield* messages;
    error = undefined;
  } catch (thrown) {
    error = thrown;
    throw thrown;
  } finally {
    end(error);
  }
}
