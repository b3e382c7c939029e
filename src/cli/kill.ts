/** `snakepit kill`: one worker, or whatever hosts that are gone have left running. */
import { Effect, Option, Schema } from "effect";
import { Argument, CliError, Command, Flag } from "effect/cli";
import { AdminError } from "../registry/admin.ts";
import { askPit } from "../registry/admin-client.ts";
import { leftoverMessage } from "../registry/message.ts";
import { registry } from "./open-pits.ts";
import { printLine } from "./output.ts";

/** Nothing was killed. */
export class NotKilled extends Schema.TaggedError<NotKilled>()("NotKilled", { message: Schema.String }) {}

const config = {
  worker: Argument.String("worker").pipe(Argument.withDescription('Name of the worker, such as "main-1"'), Argument.optional),
  run: Flag.String("run").pipe(Flag.withDescription("Run of its pit, where several have a worker of this name"), Flag.optional),
  stale: Flag.Boolean("stale").pipe(Flag.withDescription("Kill what programs that are gone have left"), Flag.withDefault(false)),
};

/** The command. Fails with NotKilled when there is no such worker, or several. */
export const kill = Command.make(
  "kill",
  config,
  Effect.fnUntraced(function* ({ worker, run, stale }) {
    if (stale) return yield* killStale;
    if (Option.isSome(worker)) return yield* killWorker(worker.value, Option.getOrUndefined(run));
    return yield* new CliError.ShowHelp({
      commandPath: ["snakepit", "kill"],
      errors: [new CliError.MissingArgument({ argument: "worker" })],
    });
  }, Effect.scoped),
).pipe(
  Command.withDescription("Kills a worker, which its pit replaces; or with --stale the processes of programs that are gone"),
  Command.withExamples([
    { command: "snakepit kill main-1", description: "One worker" },
    { command: "snakepit kill --stale", description: "What was left behind" },
  ]),
);

const killStale = Effect.gen(function* () {
  const ended = yield* (yield* registry).sweep;
  for (const leftover of ended) yield* printLine(`Killed ${leftoverMessage(leftover)}.`);
  if (ended.length === 0) yield* printLine("Nothing was left behind.");
});

const killWorker = Effect.fnUntraced(function* (worker: string, run: string | undefined) {
  const open = yield* registry;
  const found = (yield* open.hosts).flatMap((host) =>
    host.processes
      .filter(({ id, kind }) => kind === "worker" && id === worker && (run === undefined || run === host.run))
      .map((process) => ({ host, process })),
  );
  const [only] = found;
  if (only === undefined) return yield* new NotKilled({ message: `There is no worker "${worker}".` });
  if (found.length > 1) {
    const runs = found.map(({ host }) => `--run ${host.run} (process ${host.pid})`).join(", ");
    return yield* new NotKilled({ message: `Several pits have a worker "${worker}". Say which: ${runs}.` });
  }
  const { host, process } = only;
  yield* Effect.tryPromise({ try: () => askPit(host.socketPath, "kill", { worker }), catch: asAdminError }).pipe(
    Effect.catch(
      Effect.fnUntraced(function* (error) {
        // A program that is stopped, or busy with itself, cannot be asked, and that is when somebody wants to kill.
        const isSilent = error.code === "unavailable" || error.code === "deadline_exceeded";
        if (!isSilent || !(yield* open.kill(process))) return yield* new NotKilled({ message: error.message });
      }),
    ),
  );
  yield* printLine(`Killed worker ${worker} (process ${process.pid}) of process ${host.pid}.`);
});

const asAdminError = (error: unknown): AdminError => (error instanceof AdminError ? error : new AdminError("internal", String(error)));
