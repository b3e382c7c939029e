/** The metrics of a pit in the text form of Prometheus, by the names that its conventions make of those of OpenTelemetry. */
import { type Context, Metric } from "effect";

/** What Prometheus wants at the end of a name, by the unit of the metric. */
const units: ReadonlyMap<string, string> = new Map([
  ["s", ".seconds"],
  ["By", ".bytes"],
]);

/** The text. Loads what makes it when it is asked for first. */
export async function prometheusText(context: Context.Context<never>): Promise<string> {
  const { formatUnsafe } = await import("effect/observability/PrometheusMetrics");
  const suffixes = new Map(Metric.snapshotUnsafe(context).map((metric) => [metric.id, suffixOf(metric)]));
  return formatUnsafe(context, { metricNameMapper: (id) => id + (suffixes.get(id) ?? "") });
}

function suffixOf({ type, attributes }: Metric.Metric.Snapshot): string {
  return (units.get(attributes?.["unit"] ?? "") ?? "") + (type === "Counter" ? ".total" : "");
}
