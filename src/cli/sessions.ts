/** `snakepit sessions`: the sessions of every open pit, or of the pit behind a gateway. */
import { Effect } from "effect";
import { Command, Flag } from "effect/cli";
import { duration, memory } from "../dashboard/format.ts";
import { asked, gatewayFlags, gatewayOf } from "./gateway.ts";
import { askAll } from "./open-pits.ts";
import { printLine } from "./output.ts";
import { type SessionState, SessionStates, sessionStateOf } from "./pit-state.ts";
import { type Cell, table } from "./table.ts";

const config = {
  ...gatewayFlags,
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON list of pits"), Flag.withDefault(false)),
};

/** The command. */
export const sessions = Command.make(
  "sessions",
  config,
  Effect.fnUntraced(function* ({ json, ...flags }) {
    const gateway = yield* gatewayOf(flags);
    if (gateway !== undefined) {
      const sessions = (yield* asked(() => gateway.pit.sessions())).map(sessionStateOf);
      if (json) return yield* printLine(JSON.stringify([{ url: gateway.url, sessions }], undefined, 2));
      return yield* printLine(listed(headings, sessions.map(cells)));
    }
    const pits = (yield* askAll("sessions", SessionStates)).map(({ host, answer, reason }) => ({
      run: host.run,
      pid: host.pid,
      answers: answer !== undefined,
      reason,
      sessions: answer?.sessions ?? [],
    }));
    if (json) return yield* printLine(JSON.stringify(pits, undefined, 2));
    const rows = pits.flatMap(({ run, pid, sessions }) => sessions.map((session) => [...cells(session), pid, run]));
    yield* printLine(listed([...headings, "host", "run"], rows));
  }, Effect.scoped),
).pipe(Command.withDescription("Lists the sessions of every pit that is open on this machine, or of the pit behind a gateway"));

const headings = ["session", "variables", "size", "handles", "used", "ttl"];
const cells = ({ id, variables, bytes, handles, usedAt, ttlMs }: SessionState): readonly Cell[] => [
  id,
  variables,
  { figure: memory(BigInt(bytes)) },
  handles,
  usedAt,
  { figure: duration(ttlMs ?? Number.POSITIVE_INFINITY) },
];

const listed = (headings: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  rows.length === 0 ? "There are no sessions." : table(headings, rows);
