/**
 * The events of a pit as metrics of Effect, which its exporters (OTLP, Prometheus) read. Names, units and attributes follow OpenTelemetry's conventions for
 * RPC where it has one.
 */
import { type Context, Metric } from "effect";
import type { PitEvent, PoolFigures } from "./event.ts";

type Attributes = Readonly<Record<string, string>>;

/** Bounds of durations in seconds, as OpenTelemetry has them for calls, with finer ones below a millisecond. */
const SECONDS = [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60];

/** A histogram of durations. */
export const seconds = (name: string, description: string) =>
  Metric.histogram(name, { description, boundaries: SECONDS, attributes: { unit: "s" } });
const counter = (name: string, description: string) => Metric.counter(name, { description, incremental: true });

const callDuration = seconds("rpc.client.call.duration", "From the beginning of a call to its end");
const runDuration = seconds("snakepit.tool.duration", "How long tools run, of calls that succeed");
const queueDuration = seconds("snakepit.queue.duration", "How long calls wait for a worker");
const calls = counter("snakepit.calls", "Calls that have ended");
const retries = counter("snakepit.call.retries", "Calls that were sent again");
const crashes = counter("snakepit.worker.crashes", "Workers that ended without being asked to");
const restarts = counter("snakepit.worker.restarts", "Workers that took the place of others");
const recycles = counter("snakepit.worker.recycles", "Workers that were taken out of service");
const failedStarts = counter("snakepit.worker.failed_starts", "Workers that never became ready");
const sessions = counter("snakepit.session.changes", "Sessions that were created, moved, released, ended, or expired");
const memory = Metric.gauge("snakepit.worker.memory", {
  description: "Resident memory of the Python processes",
  attributes: { unit: "By" },
});

/** A figure of a pool that is read when somebody asks. */
type Read = readonly [name: string, description: string, read: (now: PoolFigures) => number];

const gauges: readonly Read[] = [
  ["snakepit.queue.length", "Calls that wait for a worker", ({ queued }) => queued],
  ["snakepit.calls.live", "Calls that wait or run", ({ live }) => live],
  ["snakepit.workers.wanted", "Workers that the pool is to have", ({ workers }) => workers],
  ["snakepit.workers.ready", "Workers that take calls", ({ ready }) => ready],
];
const counters: readonly Read[] = [
  ["snakepit.affinity.hits", "Calls of sessions that went to the worker of their session", ({ affinityHits }) => affinityHits],
  ["snakepit.affinity.misses", "Calls of sessions that went to another worker", ({ affinityMisses }) => affinityMisses],
];

/** Counts what events say, in the registry of `context`. */
export class Metrics {
  readonly #context: Context.Context<never>;
  /** Metrics with their attributes, by the id of the metric. */
  readonly #series = new Map<string, Map<string, Metric.Metric<number, unknown>>>();

  constructor(context: Context.Context<never>) {
    this.#context = context;
  }

  /** Takes an event. */
  readonly take = (event: PitEvent): void => {
    switch (event.type) {
      case "call.finished":
        this.#finished(event);
        break;
      case "call.started":
        this.#add(queueDuration, event.queuedMs / 1000, event.pool, () => poolOf(event.pool));
        break;
      case "call.retried":
        this.#add(retries, 1, `${event.pool} ${event.tool}`, () => toolOf(event.pool, event.tool));
        break;
      case "worker.crashed":
        this.#add(crashes, 1, event.pool, () => poolOf(event.pool));
        break;
      case "worker.restarted":
        this.#add(restarts, 1, event.pool, () => poolOf(event.pool));
        break;
      case "worker.failed":
        this.#add(failedStarts, 1, event.pool, () => poolOf(event.pool));
        break;
      case "worker.recycled":
        this.#add(recycles, 1, `${event.pool} ${event.reason}`, () => ({ ...poolOf(event.pool), "snakepit.reason": event.reason }));
        break;
      case "session.created":
      case "session.moved":
      case "session.released":
      case "session.ended":
      case "session.expired":
        this.#add(sessions, 1, event.type, () => ({ "snakepit.session.change": event.type.slice("session.".length) }));
        break;
      case "statistics":
        this.#add(memory, event.memoryBytes, event.pool, () => poolOf(event.pool));
        break;
      case "counters":
        for (const [name, by] of Object.entries(event.counters)) {
          this.#add(counter(name, "Counted by tools"), by, event.pool, () => poolOf(event.pool));
        }
        break;
      default:
    }
  };

  /** Has the figures of a pool read whenever somebody reads the metrics. The returned function ends it. */
  observe(pool: string, figures: () => PoolFigures): () => void {
    const of = poolOf(pool);
    // There from the beginning, so that a rate of them is known when the first one comes.
    for (const metric of [crashes, restarts, failedStarts]) this.#add(metric, 0, pool, () => of);
    const registrations = [
      ...gauges.map(([name, description, read]) =>
        Metric.registerUnsafe(Metric.withAttributes(Metric.gauge(name, { description }), of), this.#context, {
          get: () => ({ value: read(figures()) }),
          update() {},
          modify() {},
        }),
      ),
      ...counters.map(([name, description, read]) =>
        Metric.registerUnsafe(Metric.withAttributes(counter(name, description), of), this.#context, {
          get: () => ({ count: read(figures()), incremental: true }),
          update() {},
          modify() {},
        }),
      ),
    ];
    return () => {
      for (const registration of registrations) registration.remove();
    };
  }

  #finished({ pool, tool, outcome, error, durationMs, ranUs }: PitEvent & { readonly type: "call.finished" }): void {
    const called = `${pool} ${tool}`;
    const ended = `${called} ${error === undefined ? outcome : error._tag}`;
    const attributes = (): Attributes => ({
      ...toolOf(pool, tool),
      "snakepit.outcome": outcome,
      ...(error !== undefined && { "error.type": error._tag }),
    });
    this.#add(callDuration, durationMs / 1000, ended, attributes);
    this.#add(calls, 1, ended, attributes);
    // A run of less than a microsecond is one too; what failed may not have run.
    if (ranUs > 0 || outcome === "succeeded") this.#add(runDuration, ranUs / 1e6, called, () => toolOf(pool, tool));
  }

  /** @param key - What stands for the attributes, which are put together once. */
  #add(metric: Metric.Metric<number, unknown>, value: number, key: string, attributes: () => Attributes): void {
    let all = this.#series.get(metric.id);
    if (all === undefined) {
      all = new Map();
      this.#series.set(metric.id, all);
    }
    let series = all.get(key);
    if (series === undefined) {
      series = Metric.withAttributes(metric, attributes());
      all.set(key, series);
    }
    series.updateUnsafe(value, this.#context);
  }
}

const poolOf = (pool: string): Attributes => ({ "snakepit.pool": pool });
const toolOf = (pool: string, tool: string): Attributes => ({ ...poolOf(pool), "rpc.system.name": "snakepit", "rpc.method": tool });
