/** What the pools of a pit say together. */
import type { Pool } from "../pool/pool.ts";
import { type PitHealth, type PitStats, pitHealth, pitStats, type WorkerInfo } from "../pool/stats.ts";
import type { ToolInfo } from "../tool/info.ts";

/** Open pools by name, in the order they were given. */
export type Pools = ReadonlyMap<string, Pool>;

/** The tools of all, in the order of their definition. */
export const toolsOf = (pools: Pools): ToolInfo[] => Array.from(pools.values()).flatMap((pool) => pool.tools());

/** The workers of all, those that start or are draining included. */
export const workersOf = async (pools: Pools): Promise<WorkerInfo[]> =>
  (await Promise.all(Array.from(pools.values(), (pool) => pool.workers()))).flat();

/** Counters since they were opened, of all together and of each. */
export const statsOf = (pools: Pools): PitStats => pitStats(ofEach(pools, (pool) => pool.stats()));

/** How well all are, and each. */
export const healthOf = (pools: Pools): PitHealth => pitHealth(ofEach(pools, (pool) => pool.health()));

const ofEach = <T>(pools: Pools, of: (pool: Pool) => T): Record<string, T> =>
  Object.fromEntries(Array.from(pools, ([name, pool]) => [name, of(pool)]));
