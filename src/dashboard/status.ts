/** How the pit stands, second by second, and how it stood before. */

import { timestampMs } from "@bufbuild/protobuf/wkt";
import { useEffect, useState } from "preact/hooks";
import type { AdminClient } from "../client/admin.ts";
import type { PitStatus } from "../gen/snakepit/v1/admin_pb.ts";

/** Samples that the charts show: five minutes at one a second. */
const SAMPLES = 300;

/** One point of the charts, of all pools together. */
export interface Sample {
  /** Seconds since 1970. */
  readonly at: number;
  readonly callsPerSecond: number;
  /** Milliseconds of the slowest pool; NaN when no call ended. */
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly queued: number;
  readonly live: number;
}

/** What the page knows of the pit. */
export interface Standing {
  readonly status: PitStatus | undefined;
  readonly samples: readonly Sample[];
  /** Why there is nothing new; undefined while there is. */
  readonly lost: string | undefined;
}

/** Follows the status while the component stands. A watch that is lost is taken up again after a second. */
export function useStanding(admin: AdminClient): Standing {
  const [standing, setStanding] = useState<Standing>({ status: undefined, samples: [], lost: undefined });
  useEffect(
    () =>
      following(
        async (signal) => {
          for await (const status of admin.watchStatus(1000, signal)) {
            setStanding(({ samples }) => ({ status, samples: [...samples, sampleOf(status)].slice(-SAMPLES), lost: undefined }));
          }
        },
        (lost) => setStanding((last) => ({ ...last, lost })),
      ),
    [admin],
  );
  return standing;
}

/**
 * Runs `once` again and again, a second after its end or its failure, until it is told to stop. Gives what stops it, as an effect wants it.
 */
export function following(once: (signal: AbortSignal) => Promise<void>, onLost: (reason: string) => void): () => void {
  const stopped = new AbortController();
  void (async () => {
    while (!stopped.signal.aborted) {
      try {
        await once(stopped.signal);
      } catch (error) {
        if (stopped.signal.aborted) return;
        onLost(error instanceof Error ? error.message : String(error));
      }
      if (!stopped.signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  })();
  return () => stopped.abort();
}

function sampleOf({ at, pools, liveCalls }: PitStatus): Sample {
  const slowest = (of: "p50Ms" | "p95Ms" | "p99Ms"): number => Math.max(...pools.map(({ latency }) => latency?.[of] ?? 0)) || Number.NaN;
  return {
    at: (at === undefined ? Date.now() : timestampMs(at)) / 1000,
    callsPerSecond: pools.reduce((sum, { latency }) => sum + (latency?.callsPerSecond ?? 0), 0),
    p50: slowest("p50Ms"),
    p95: slowest("p95Ms"),
    p99: slowest("p99Ms"),
    queued: pools.reduce((sum, pool) => sum + Number(pool.queued), 0),
    live: Number(liveCalls),
  };
}
