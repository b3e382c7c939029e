/** Looking after a pit from outside of its program: how it stands, and what can be done to it. The admin socket and the gateway answer with this. */
import { Effect } from "effect";
import type { SessionInfo } from "../api/sessions.ts";
import type { CallInfo } from "../pool/live-calls.ts";
import type { PitHealth, PitStats, PoolHealth, WorkerInfo } from "../pool/stats.ts";
import type { AdminHandlers } from "../registry/admin.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { eventJson } from "./event-json.ts";
import { Latencies, type Latency } from "./latencies.ts";
import type { Logs } from "./logs.ts";
import { healthOf, type Pools, statsOf, workersOf } from "./pools.ts";
import { Recent } from "./recent.ts";

/** How a pit stands at one time. */
export interface PitStatus {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly health: PitHealth["status"];
  readonly pools: readonly PoolStatus[];
  /** Every worker, those that start or are draining included. */
  readonly workers: readonly WorkerInfo[];
  /** Calls that wait or run, the oldest first, 200 at most. */
  readonly calls: readonly CallInfo[];
  /** How many calls wait or run. */
  readonly liveCalls: number;
  readonly sessions: number;
}

/** How a pool stands. */
export interface PoolStatus extends Pick<PoolHealth, "workers" | "ready" | "cause"> {
  readonly name: string;
  readonly health: PoolHealth["status"];
  readonly queued: number;
  /** Counters since it was opened, by the names that `pool.stats()` has. */
  readonly counters: Readonly<Record<string, number>>;
  readonly latency: Latency;
}

/** Calls that a status lists. */
const LISTED_CALLS = 200;
/** How old the number of sessions may be, in milliseconds: a store counts by listing them. */
const SESSIONS_MS = 1_000;

/** What an administration needs of its pit. */
export interface Administered {
  readonly pools: Pools;
  readonly telemetry: Telemetry;
  readonly logs: Logs;
  /** Lists the sessions. */
  readonly sessions: () => Promise<readonly SessionInfo[]>;
  readonly close: () => Promise<void>;
}

/** What can be asked and done. */
export class Administration implements AdminHandlers {
  /** What happened of late. */
  readonly recent: Recent;
  readonly #pit: Administered;
  readonly #latencies: Latencies;
  #counted: { readonly at: number; readonly sessions: number } | undefined;

  constructor(pit: Administered) {
    this.#pit = pit;
    this.recent = new Recent(pit.telemetry, pit.logs);
    this.#latencies = new Latencies(pit.telemetry);
  }

  /** How it stands. Latencies are known from the second time on, when the last was within 15 s. */
  async status(): Promise<PitStatus> {
    const { pools } = this.#pit;
    const [workers, sessions] = await Promise.all([this.workers(), this.#sessions()]);
    const health = this.health();
    const calls = [...pools.values()].flatMap((pool) => pool.calls.list()).toSorted((one, other) => other.ageMs - one.ageMs);
    return {
      at: Date.now(),
      health: health.status,
      pools: Array.from(pools, ([name, pool]): PoolStatus => {
        const { workers: wanted, ready, queued, live: _live, ...counters } = pool.stats();
        const { status, cause } = pool.health();
        return { name, health: status, cause, workers: wanted, ready, queued, counters, latency: this.#latencies.of(name) };
      }),
      workers,
      calls: calls.slice(0, LISTED_CALLS),
      liveCalls: calls.length,
      sessions,
    };
  }

  /** Keeps latencies known for somebody who asks again and again, until the function that is returned is called. */
  keepLatencies(): () => void {
    return this.#latencies.keep();
  }

  workers(): Promise<WorkerInfo[]> {
    return workersOf(this.#pit.pools);
  }

  stats(): PitStats {
    return statsOf(this.#pit.pools);
  }

  health(): PitHealth {
    return healthOf(this.#pit.pools);
  }

  sessions(): Promise<readonly SessionInfo[]> {
    return this.#pit.sessions();
  }

  events(types: readonly string[], limit: number): readonly object[] {
    return this.recent.events(types, limit).map((event) => eventJson(event));
  }

  async reload(): Promise<void> {
    await Effect.runPromise(Effect.forEach(this.#pit.pools.values(), (pool) => pool.reload, { concurrency: "unbounded", discard: true }));
  }

  kill(worker: string): boolean {
    return Array.from(this.#pit.pools.values()).some((pool) => pool.kill(worker));
  }

  cancel(call: string): boolean {
    return Array.from(this.#pit.pools.values()).some((pool) => pool.calls.cancel(call));
  }

  close(): Promise<void> {
    return this.#pit.close();
  }

  /** Ends what it does on the side. */
  stop(): void {
    this.#latencies.close();
    this.recent.close();
  }

  async #sessions(): Promise<number> {
    const now = Date.now();
    if (this.#counted === undefined || now - this.#counted.at > SESSIONS_MS) {
      this.#counted = { at: now, sessions: (await this.#pit.sessions()).length };
    }
    return this.#counted.sessions;
  }
}
