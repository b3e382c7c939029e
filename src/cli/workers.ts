/** `snakepit workers`: the workers of every open pit, or of the pit behind a gateway. */
import { Effect } from "effect";
import { Command, Flag } from "effect/cli";
import { duration, memory } from "../dashboard/format.ts";
import type { ProcessRecord } from "../registry/records.ts";
import { asked, gatewayFlags, gatewayOf } from "./gateway.ts";
import { askAll } from "./open-pits.ts";
import { printLine } from "./output.ts";
import { stateOf, type WorkerState, WorkerStates } from "./pit-state.ts";
import { table } from "./table.ts";

const config = {
  ...gatewayFlags,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON list of pits"), Flag.withDefault(false)),
};

/** The command. */
export const workers = Command.make(
  "workers",
  config,
  Effect.fnUntraced(function* ({ json, ...flags }) {
    const gateway = yield* gatewayOf(flags);
    if (gateway !== undefined) {
      const { workers } = stateOf(yield* asked(() => gateway.admin.status()));
      if (json) return yield* printLine(JSON.stringify([{ url: gateway.url, workers }], undefined, 2));
      return yield* printLine(table(headings, workers.map(cells)));
    }
    const pits = (yield* askAll("workers", WorkerStates)).map(({ host, answer, reason }) => ({
      run: host.run,
      pid: host.pid,
      pools: host.pools,
      openedAt: new Date(host.openedAt),
      answers: answer !== undefined,
      reason,
      workers: answer?.workers ?? host.processes.filter(({ kind }) => kind === "worker").map(unasked),
    }));
    if (json) return yield* printLine(JSON.stringify(pits, undefined, 2));
    const rows = pits.flatMap(({ run, pid, workers }) => workers.map((worker) => [...cells(worker), pid, run]));
    yield* printLine(pits.length === 0 ? "No pit is open." : table([...headings, "host", "run"], rows));
  }, Effect.scoped),
).pipe(Command.withDescription("Lists the workers of every pit that is open on this machine, or of the pit behind a gateway"));

const headings = ["worker", "pid", "pool", "status", "calls", "memory", "up"];
const cells = ({ id, pid, pool, status, calls, memoryBytes, uptimeMs }: WorkerState) => [
  id,
  pid,
  pool,
  status,
  calls,
  { figure: memory(BigInt(memoryBytes)) },
  { figure: duration(uptimeMs) },
];

/** What the registry knows of a worker whose pit does not answer. */
const unasked = ({ id, pid, pool, startedAt }: ProcessRecord): WorkerState => ({
  id,
  pid,
  pool,
  status: "unknown",
  calls: 0,
  memoryBytes: 0,
  uptimeMs: Date.now() - startedAt,
});
