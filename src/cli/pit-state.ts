/** How a pit stands, whoever tells it: its admin socket as JSON, or a gateway. */
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { Schema } from "effect";
import type { SessionInfo } from "../api/sessions.ts";
import type { AdminClient } from "../client/admin.ts";

const { Array: List, Record, Struct } = Schema;

/** A worker. */
export const WorkerState = Struct({
  id: Schema.String,
  pid: Schema.Number,
  pool: Schema.String,
  status: Schema.String,
  calls: Schema.Number,
  memoryBytes: Schema.Number,
  uptimeMs: Schema.Number,
});
/** A worker. */
export type WorkerState = typeof WorkerState.Type;

const PoolState = Struct({
  name: Schema.String,
  health: Schema.String,
  workers: Schema.Number,
  ready: Schema.Number,
  queued: Schema.Number,
  counters: Record(Schema.String, Schema.Number),
  latency: Struct({ callsPerSecond: Schema.Number, p50Ms: Schema.Number, p95Ms: Schema.Number, p99Ms: Schema.Number }),
  /** What went wrong last. */
  cause: Schema.optional(Struct({ message: Schema.String })),
});
/** A pool. */
export type PoolState = typeof PoolState.Type;

const CallState = Struct({
  id: Schema.String,
  pool: Schema.String,
  tool: Schema.String,
  session: Schema.String,
  worker: Schema.String,
  ageMs: Schema.Number,
});

/** The answer of the admin socket to `status`. */
export const PitState = Struct({
  /** Milliseconds since 1970. */
  at: Schema.Number,
  health: Schema.String,
  pools: List(PoolState),
  workers: List(WorkerState),
  /** The oldest first; not all of them when there are many. */
  calls: List(CallState),
  liveCalls: Schema.Number,
  /** How many there are. */
  sessions: Schema.Number,
});
/** How a pit stands. */
export type PitState = typeof PitState.Type;

/** A session. Times are text in JSON. */
export const SessionState = Struct({
  id: Schema.String,
  variables: Schema.Number,
  bytes: Schema.Number,
  handles: Schema.Number,
  usedAt: Schema.String,
  /** Null for ever, for which JSON has no number. */
  ttlMs: Schema.NullOr(Schema.Number),
});
/** A session. */
export type SessionState = typeof SessionState.Type;

/** The answer of the admin socket to `sessions`. */
export const SessionStates = Struct({ sessions: List(SessionState) });

/** The answer of the admin socket to `workers`. */
export const WorkerStates = Struct({ workers: List(WorkerState) });

/** Lines that tools printed, and workers that died. docs/telemetry.md says what each has. */
export const PitEvents = Struct({ events: List(Record(Schema.String, Schema.Unknown)) });
/** One of them. */
export type PitEvent = (typeof PitEvents.Type)["events"][number];

type StatusMessage = Awaited<ReturnType<AdminClient["status"]>>;

/** What a gateway says. */
export const stateOf = ({ at, health, pools, workers, calls, liveCalls, sessions }: StatusMessage): PitState => ({
  at: at === undefined ? Date.now() : timestampMs(at),
  health,
  pools: pools.map(({ name, health, workers, ready, queued, counters, latency, cause }) => ({
    name,
    health,
    workers,
    ready,
    queued: asNumber(queued),
    counters,
    latency: {
      callsPerSecond: latency?.callsPerSecond ?? 0,
      p50Ms: latency?.p50Ms ?? 0,
      p95Ms: latency?.p95Ms ?? 0,
      p99Ms: latency?.p99Ms ?? 0,
    },
    ...(cause !== undefined && { cause: { message: cause.message } }),
  })),
  workers: workers.map(({ id, pid, pool, status, calls, memoryBytes, uptimeMs }) => ({
    id,
    pid,
    pool,
    status,
    calls: asNumber(calls),
    memoryBytes: asNumber(memoryBytes),
    uptimeMs: asNumber(uptimeMs),
  })),
  calls: calls.map(({ id, pool, tool, sessionId, worker, ageMs }) => ({
    id,
    pool,
    tool,
    session: sessionId,
    worker,
    ageMs: asNumber(ageMs),
  })),
  liveCalls: asNumber(liveCalls),
  sessions,
});

/** What a client of a gateway is told of a session. */
export const sessionStateOf = ({ id, variables, bytes, handles, usedAt, ttlMs }: SessionInfo): SessionState => ({
  id,
  variables,
  bytes,
  handles,
  usedAt: usedAt.toISOString(),
  ttlMs: Number.isFinite(ttlMs) ? ttlMs : null,
});

const asNumber = (value: bigint | number): number => Number(value);
