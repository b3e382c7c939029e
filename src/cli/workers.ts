/** `snakepit workers`: the workers of every open pit. */
import { Effect, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import type { WorkerInfo } from "../pool/stats.ts";
import type { ProcessRecord } from "../registry/records.ts";
import { askAll } from "./open-pits.ts";
import { printLine } from "./output.ts";
import { table } from "./table.ts";

/** A worker as its pit tells of it. Another version of the package may have more to tell. */
type Told = Readonly<Pick<WorkerInfo, "id" | "pid" | "pool" | "calls" | "memoryBytes" | "uptimeMs"> & { status: string }>;

const Answer = Schema.Struct({
  workers: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      pid: Schema.Number,
      pool: Schema.String,
      status: Schema.String,
      calls: Schema.Number,
      memoryBytes: Schema.Number,
      uptimeMs: Schema.Number,
    }),
  ),
});

const config = { json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON list of pits"), Flag.withDefault(false)) };

/** The command. */
export const workers = Command.make(
  "workers",
  config,
  Effect.fnUntraced(function* ({ json }) {
    const pits = (yield* askAll("workers", Answer)).map(({ host, answer, reason }) => ({
      run: host.run,
      pid: host.pid,
      pools: host.pools,
      openedAt: new Date(host.openedAt),
      answers: answer !== undefined,
      reason,
      workers: answer?.workers ?? host.processes.filter(({ kind }) => kind === "worker").map(unasked),
    }));
    if (json) return yield* printLine(JSON.stringify(pits, undefined, 2));
    const rows = pits.flatMap(({ run, pid, workers }) =>
      workers.map((worker) => [
        worker.id,
        worker.pid,
        worker.pool,
        worker.status,
        worker.calls,
        `${Math.round(worker.memoryBytes / 1e6)} MB`,
        `${Math.round(worker.uptimeMs / 1000)} s`,
        pid,
        run,
      ]),
    );
    yield* printLine(
      pits.length === 0 ? "No pit is open." : table(["worker", "pid", "pool", "status", "calls", "memory", "up", "host", "run"], rows),
    );
  }, Effect.scoped),
).pipe(Command.withDescription("Lists the workers of every pit that is open on this machine"));

/** What the registry knows of a worker whose pit does not answer. */
const unasked = ({ id, pid, pool, startedAt }: ProcessRecord): Told => ({
  id,
  pid,
  pool,
  status: "unknown",
  calls: 0,
  memoryBytes: 0,
  uptimeMs: Date.now() - startedAt,
});
