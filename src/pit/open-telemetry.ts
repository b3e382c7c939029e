/** What a pit sends by OTLP: spans, metrics and lines, as the variables of OpenTelemetry say. docs/telemetry.md has which of them count. */
import { env } from "node:process";
import { ConfigProvider, Context, Effect, Layer, type LogLevel, type Scope, Tracer } from "effect";
import { InvalidOptions } from "../errors/index.ts";
import type { LogEvent } from "../pool/logs.ts";
import type { LogListener } from "./logs.ts";

/** What the specification of OpenTelemetry has for variables that are not set. */
const standard = {
  OTEL_EXPORTER_OTLP_ENDPOINT: "http://localhost:4318",
  OTEL_TRACES_EXPORTER: "otlp",
  OTEL_METRICS_EXPORTER: "otlp",
  OTEL_LOGS_EXPORTER: "otlp",
};
const SERVICE = "snakepit";

/**
 * Begins to export, until the scope closes, which sends what is left. Fails with InvalidOptions when the variables cannot be read. Gives what effects run with from then on: the tracer, and the loggers.
 *
 * What it needs is loaded now and not with this module: most programs do without.
 */
export const exporting: Effect.Effect<Context.Context<never>, InvalidOptions, Scope.Scope> = Effect.gen(function* () {
  const [Otlp, OtlpSerialization, FetchHttpClient] = yield* Effect.promise(() =>
    Promise.all([
      import("effect/observability/Otlp"),
      import("effect/observability/OtlpSerialization"),
      import("effect/http/FetchHttpClient"),
    ]),
  );
  const variables = variablesIn(env);
  // The form without protobuf is asked for by name; the one over gRPC is not there.
  const isJson = variables["OTEL_EXPORTER_OTLP_PROTOCOL"] === "http/json";
  const layer = Otlp.layerFromConfig({ loggerMergeWithExisting: false }).pipe(
    Layer.provide(isJson ? OtlpSerialization.layerJson : OtlpSerialization.layerProtobuf),
    Layer.provide(FetchHttpClient.layer),
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: variables }))),
  );
  const around = yield* Effect.context<never>();
  const built = Layer.build(layer).pipe(
    Effect.catchDefect((cause) =>
      Effect.fail(new InvalidOptions({ option: "openTelemetry", expected: "left out, or the OTEL_… variables other ones" }, { cause })),
    ),
  );
  return Context.merge(around, yield* built);
});

/** Whether the variables of the process name a collector, and OpenTelemetry is not turned off by them. */
export const hasCollector = (): boolean =>
  env["OTEL_SDK_DISABLED"] !== "true" &&
  Object.keys(env).some((name) => /^OTEL_EXPORTER_OTLP_(\w+_)?ENDPOINT$/.test(name) && env[name] !== "");

function variablesIn(given: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const set = Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""));
  const isNamed = set["OTEL_SERVICE_NAME"] !== undefined || /(^|,)\s*service\.name\s*=/.test(set["OTEL_RESOURCE_ATTRIBUTES"] ?? "");
  return { ...standard, ...(isNamed ? {} : { OTEL_SERVICE_NAME: SERVICE }), ...set };
}

/** Sends lines to the loggers of a context, each with what it belongs to. */
export function exportLines(context: Context.Context<never>): LogListener {
  const fork = Effect.runForkWith(context);
  return (event) => void fork(logged(event));
}

const levels: Readonly<Record<LogEvent["level"], LogLevel.Severity>> = {
  debug: "Debug",
  info: "Info",
  warning: "Warn",
  error: "Error",
  critical: "Fatal",
};

function logged({ text, level, trace, ...event }: LogEvent): Effect.Effect<void> {
  const about = {
    "snakepit.pool": event.pool,
    "snakepit.worker": event.worker,
    "rpc.method": event.tool,
    "snakepit.session": event.session,
    "snakepit.call": event.call,
    "snakepit.source": event.source,
  };
  const known = Object.fromEntries(Object.entries(about).filter(([, value]) => value !== "" && value !== 0));
  const line = Effect.logWithLevel(levels[level])(text).pipe(Effect.annotateLogs(known));
  // A line knows its trace, but not in which span it was printed.
  return trace === "" ? line : line.pipe(Effect.withParentSpan(Tracer.externalSpan({ traceId: trace, spanId: "" })));
}
