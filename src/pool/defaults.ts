/** Every default of a pool, stated here and nowhere else. */
import { availableParallelism } from "node:os";
import { DEFAULT_LIMITS } from "../carrier/link.ts";

/** Most workers that a pool starts when nobody says how many. */
const MOST_WORKERS = 4;

/** What options that are not given mean. Times are in milliseconds. */
export const defaults = {
  /** Name of the pool when there is only one. */
  pool: "default",
  /** The smaller of 4 and the machine's cores. */
  workers: () => Math.min(MOST_WORKERS, availableParallelism()),
  /** Workers that a pool which grows keeps free. */
  spare: 0,
  /** How long a worker of a pool which shrinks has nothing to do before it ends. */
  idleMs: 60_000,
  /** Whether workers are replaced when a file changes. */
  reload: false,
  /** How often idle workers are asked whether they live, and how many times they may fail to answer. */
  heartbeat: { intervalMs: 2_000, misses: 3 },
  /** What ends with a worker. */
  containment: "group",
  /** Threads for synchronous tools in each worker; 1 runs them on its main thread, where a cancel reaches them also within C calls that wait. */
  threads: 1,
  /** Asynchronous calls and streams that one worker runs together. */
  maxConcurrent: 100,
  /** A call, from `execute` to its end, the queue included. */
  timeoutMs: 30_000,
  /** A stream, from its first `next` to its end. It is the whole time, as for a call, so that both sides can watch it. */
  streamTimeoutMs: 300_000,
  /** A worker, from its spawn to its hello. */
  readyTimeoutMs: 15_000,
  /** A cancelled tool, running calls of a closing pool, a worker asked to end. */
  graceMs: 2_000,
  /** Calls that wait for a worker. */
  queueSize: 1_000,
  /** One call's wait for a worker. */
  queueTimeoutMs: 10_000,
  /** Which calls may be sent again. */
  retry: "safe",
  /** How often a call is sent again after its worker died. */
  retries: 3,
  /** Wait before the first retry; it doubles with each. */
  retryBackoffMs: 1_000,
  /** Retries for each call, retries a second on top, and the most that are saved up: more than the workers of a usual pool lose at once. */
  retryBudget: { ratio: 0.2, perSecond: 10, burst: 1_000 },
  /** A breaker that is asked for: failures within a time that open it, and for how long. */
  breaker: { failures: 5, withinMs: 10_000, openMs: 5_000 },
  /** Largest message, buffers aside. */
  maxMessageBytes: DEFAULT_LIMITS.maxMessageBytes,
  /** Largest sum of the buffers of one message. */
  maxBufferBytes: DEFAULT_LIMITS.maxBufferBytes,
  /** Memory that one worker shares, as far as its calls need it. */
  sharedMemoryBytes: 512 * 1024 * 1024,
} as const;

/** What nobody has needed to change yet. Times are in milliseconds. */
export const constants = {
  /** Credit each stream starts with, in bytes. */
  streamWindowBytes: DEFAULT_LIMITS.streamWindowBytes,
  /** How often the workers of a pool that recycles or scales are looked at, how often at most when calls queue, and how often their memory is. */
  upkeepMs: { look: 100, rest: 10, memory: 1_000 },
  /** Calls of a quick tool that are sent ahead to one worker. */
  pipelined: 64,
  /** Workers that a call may kill before it is not tried again. */
  poisonous: 3,
  /** Wait before a call is sent again that had probably nothing to do with its worker's death. */
  innocentBackoffMs: 100,
  /** How many failed starts, within how long, make a pool unhealthy. */
  intensity: { failures: 5, withinMs: 10_000 },
  /** Wait after a failed start; it doubles with each, up to the second. An unhealthy pool tries again after the third. */
  restartBackoffMs: { first: 100, longest: 5_000, unhealthy: 10_000 },
  /** How often deadlines are looked at. */
  scanMs: 10,
} as const;
