/** What programs are told about their pools. The shapes are part of the public API. */
import type { SnakepitError } from "../errors/index.ts";
import type { StartedBy } from "../worker/launch.ts";
import type { BreakerState } from "./breaker.ts";
import type { CallCounts } from "./dispatcher.ts";

/** One worker, as `workers()` gives it. */
export interface WorkerInfo {
  /** Unique within the program's pit; a worker that replaces another has a new one. */
  readonly id: string;
  /** Process id; 0 while it starts. */
  readonly pid: number;
  readonly pool: string;
  readonly status: "starting" | "ready" | "busy" | "draining" | "stopped";
  /** Calls that have ended on it. */
  readonly calls: number;
  /** Resident memory in bytes; 0 where unknown. */
  readonly memoryBytes: number;
  /** Milliseconds since it became ready. */
  readonly uptimeMs: number;
  /** How it came to be; while it starts, how it is to be. */
  readonly startedBy: StartedBy;
}

/** Counters of one pool since it was opened, and how it stands now. */
export interface PoolStats extends Readonly<CallCounts> {
  /** Calls with a worker, at rest before a retry, or in the queue. */
  readonly live: number;
  /** Calls in the queue. */
  readonly queued: number;
  /** Workers the pool is to have now. */
  readonly workers: number;
  /** Workers that take calls. */
  readonly ready: number;
  /** Workers that became ready, those that replaced others included. */
  readonly started: number;
  /** Workers that ended without being asked to. */
  readonly crashes: number;
  /** Workers that were replaced because they had done enough. */
  readonly recycled: number;
}

/** Counters of all pools together, and of each. */
export interface PitStats extends PoolStats {
  readonly pools: Readonly<Record<string, PoolStats>>;
}

/**
 * How well one pool is.
 * - `healthy`: every worker is ready, and lives.
 * - `degraded`: some are missing, or do not answer, and are being replaced; or the breaker is not closed.
 * - `unhealthy`: there is none, or they end as soon as they start; `cause` says why.
 * - `closed`.
 */
export interface PoolHealth {
  readonly status: "healthy" | "degraded" | "unhealthy" | "closed";
  /** Workers the pool is to have now. */
  readonly workers: number;
  /** Workers that take calls. */
  readonly ready: number;
  /** Workers that live, draining ones included: each runs a call, or has answered its last heartbeat. */
  readonly live: number;
  /** How its circuit breaker stands: it lets calls through, none, or one at a time; undefined when the pool has none. */
  readonly breaker: BreakerState | undefined;
  /** What went wrong last; undefined when nothing did. */
  readonly cause: SnakepitError | undefined;
}

/** How well the whole pit is: as well as its worst pool. */
export interface PitHealth {
  readonly status: PoolHealth["status"];
  readonly pools: Readonly<Record<string, PoolHealth>>;
}

const worst: readonly PoolHealth["status"][] = ["closed", "unhealthy", "degraded", "healthy"];

/** The health of a pit, from that of its pools. */
export function pitHealth(pools: Readonly<Record<string, PoolHealth>>): PitHealth {
  const statuses = new Set(Object.values(pools).map((pool) => pool.status));
  return { status: worst.find((status) => statuses.has(status)) ?? "healthy", pools };
}

/** The sum of the counters of all pools. */
export function pitStats(pools: Readonly<Record<string, PoolStats>>): PitStats {
  const sum = (key: keyof PoolStats): number => Object.values(pools).reduce((total, pool) => total + pool[key], 0);
  return {
    calls: sum("calls"),
    succeeded: sum("succeeded"),
    failed: sum("failed"),
    cancelled: sum("cancelled"),
    timedOut: sum("timedOut"),
    retried: sum("retried"),
    hedged: sum("hedged"),
    affinityHits: sum("affinityHits"),
    affinityMisses: sum("affinityMisses"),
    live: sum("live"),
    queued: sum("queued"),
    workers: sum("workers"),
    ready: sum("ready"),
    started: sum("started"),
    crashes: sum("crashes"),
    recycled: sum("recycled"),
    pools,
  };
}
