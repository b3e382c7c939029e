/** How a pit stands, as the messages of AdminService. */
import { create } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { toDetail } from "../../errors/wire.ts";
import {
  type PitStatus as PitStatusMessage,
  PitStatusSchema,
  type PoolStatus as PoolStatusMessage,
  PoolStatusSchema,
} from "../../gen/snakepit/v1/admin_pb.ts";
import type { PitStatus, PoolStatus } from "../../pit/admin.ts";
import { forStrangers } from "./failure.ts";

/** The message of a status. Causes have tracebacks for those who may see them. */
export function statusMessage(status: PitStatus, tracebacks: boolean): PitStatusMessage {
  return create(PitStatusSchema, {
    at: timestampFromMs(status.at),
    health: status.health,
    pools: status.pools.map((pool) => poolMessage(pool, tracebacks)),
    workers: status.workers.map(({ memoryBytes, calls, uptimeMs, ...worker }) => ({
      ...worker,
      calls: BigInt(calls),
      memoryBytes: BigInt(memoryBytes),
      uptimeMs: whole(uptimeMs),
    })),
    calls: status.calls.map(({ session, ageMs, ...call }) => ({ ...call, sessionId: session, ageMs: whole(ageMs) })),
    liveCalls: BigInt(status.liveCalls),
    sessions: status.sessions,
  });
}

const poolMessage = ({ cause, queued, counters, ...pool }: PoolStatus, tracebacks: boolean): PoolStatusMessage =>
  create(PoolStatusSchema, {
    ...pool,
    ...(cause !== undefined && { cause: toDetail(tracebacks ? cause : forStrangers(cause)) }),
    queued: BigInt(queued),
    counters: { ...counters },
  });

const whole = (milliseconds: number): bigint => BigInt(Math.max(0, Math.round(milliseconds)));
