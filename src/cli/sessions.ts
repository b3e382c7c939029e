/** `snakepit sessions`: the sessions of every open pit. */
import { Effect, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import { askAll } from "./open-pits.ts";
import { printLine } from "./output.ts";
import { table } from "./table.ts";

/** As the pit tells of them; JSON has times as text. */
const Answer = Schema.Struct({
  sessions: Schema.Array(
    Schema.Struct({
      id: Schema.String,
      variables: Schema.Number,
      bytes: Schema.Number,
      handles: Schema.Number,
      usedAt: Schema.String,
      ttlMs: Schema.Number,
    }),
  ),
});

const config = { json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON list of pits"), Flag.withDefault(false)) };

/** The command. */
export const sessions = Command.make(
  "sessions",
  config,
  Effect.fnUntraced(function* ({ json }) {
    const pits = (yield* askAll("sessions", Answer)).map(({ host, answer, reason }) => ({
      run: host.run,
      pid: host.pid,
      answers: answer !== undefined,
      reason,
      sessions: answer?.sessions ?? [],
    }));
    if (json) return yield* printLine(JSON.stringify(pits, undefined, 2));
    const rows = pits.flatMap(({ run, pid, sessions }) =>
      sessions.map(({ id, variables, bytes, handles, usedAt, ttlMs }) => [
        id,
        variables,
        bytes,
        handles,
        usedAt,
        `${Math.round(ttlMs / 1000)} s`,
        pid,
        run,
      ]),
    );
    yield* printLine(
      rows.length === 0
        ? "There are no sessions."
        : table(["session", "variables", "bytes", "handles", "used", "ttl", "host", "run"], rows),
    );
  }, Effect.scoped),
).pipe(Command.withDescription("Lists the sessions of every pit that is open on this machine"));
