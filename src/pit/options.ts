/** What `open` may be given, and the check that it makes sense. */

import { Layer } from "effect";
import type { Check } from "../api/check.ts";
import type { InvalidOptions, StoreFailed } from "../errors/index.ts";
import { type PoolsOptions, type PoolsSettings, poolsSettings } from "../pool/options.ts";
import { type SessionsOptions, type SessionsSettings, sessionsSettings } from "../session/options.ts";
import type { Store } from "../session/service.ts";
import type { PitEvent } from "../telemetry/event.ts";

/** Where sessions are kept, as `sqlite({ file })` or a layer of `Session.Store` makes it. */
export type SessionStore = Layer.Layer<Store, InvalidOptions | StoreFailed>;

/** Options of `open`: those of one pool or several, and those of sessions. */
export interface OpenOptions extends PoolsOptions {
  /** Where sessions are kept. Default: in the memory of this process. */
  readonly store?: SessionStore | undefined;
  /** How long sessions live, and how many there may be. */
  readonly sessions?: SessionsOptions | undefined;
  /** Hears what happens, from the start of the first worker on: to workers, calls, sessions and variables. */
  readonly onEvent?: ((event: PitEvent) => void) | undefined;
  /** Whether what happens is counted in Effect's `Metric`, for its exporters and for `metrics()`. Default false, which costs calls nothing. */
  readonly metrics?: boolean | undefined;
  /**
   * Whether spans, metrics and lines are sent by OTLP, as the standard variables `OTEL_…` say. Implies `metrics`. For programs that do not set OpenTelemetry up
   * themselves. Default false.
   */
  readonly openTelemetry?: boolean | undefined;
  /** How often an event of type "statistics" says how each pool stands, in milliseconds. Default 60 s. */
  readonly statisticsIntervalMs?: number | undefined;
}

/** Options of `open` with every default filled in. */
export interface OpenSettings extends PoolsSettings {
  readonly store: SessionStore | undefined;
  readonly sessions: SessionsSettings;
  readonly onEvent: ((event: PitEvent) => void) | undefined;
  readonly metrics: boolean;
  readonly openTelemetry: boolean;
  readonly statisticsIntervalMs: number;
}

/** Longest time that the runtimes' timers can hold: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;
const STATISTICS_INTERVAL_MS = 60_000;

const checks: Record<Exclude<keyof OpenOptions, keyof PoolsOptions>, Check> = {
  store: { expected: "a store for sessions, such as sqlite({ file })", ok: (value) => Layer.isLayer(value) },
  sessions: { expected: "an object", ok: (value) => typeof value === "object" && value !== null },
  onEvent: { expected: "a function", ok: (value) => typeof value === "function" },
  metrics: { expected: "true or false", ok: (value) => typeof value === "boolean" },
  openTelemetry: { expected: "true or false", ok: (value) => typeof value === "boolean" },
  statisticsIntervalMs: {
    expected: `a number of milliseconds from 1 to ${LONGEST_MS}`,
    ok: (value) => typeof value === "number" && value >= 1 && value <= LONGEST_MS,
  },
};

/** Fills in the defaults. Throws InvalidOptions, which names the option and what was expected. */
export function openSettings(options: OpenOptions): OpenSettings {
  const pools = poolsSettings(options, checks);
  const { store, sessions = {}, onEvent, metrics = false, openTelemetry = false, statisticsIntervalMs = STATISTICS_INTERVAL_MS } = options;
  return { ...pools, store, sessions: sessionsSettings(sessions), onEvent, metrics, openTelemetry, statisticsIntervalMs };
}
