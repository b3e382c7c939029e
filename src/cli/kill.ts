/** `snakepit kill`: one worker, or whatever hosts that are gone have left running. */
import { Effect, Option, Schema } from "effect";
import { Argument, CliError, Command, Flag } from "effect/cli";
import { askPit } from "../registry/admin-client.ts";
import { leftoverMessage } from "../registry/message.ts";
import { asked, type Gateway, gatewayFlags, gatewayOf, onlyHere } from "./gateway.ts";
import { asAdminError, registry, runsOf } from "./open-pits.ts";
import { printLine } from "./output.ts";

/** Nothing was killed. */
export class NotKilled extends Schema.TaggedError<NotKilled>()("NotKilled", { message: Schema.String }) {}

const config = {
  ...gatewayFlags,
  worker: Argument.String("worker").pipe(Argument.withDescription('Name of the worker, such as "main-1"'), Argument.optional),
  run: Flag.String("run").pipe(Flag.withDescription("Run of its pit, where several have a worker of this name"), Flag.optional),
  stale: Flag.Boolean("stale").pipe(Flag.withDescription("Kill what programs that are gone have left"), Flag.withDefault(false)),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print a JSON list of what was killed"), Flag.withDefault(false)),
};

/** The command. Fails with NotKilled when there is no such worker, or several. */
export const kill = Command.make(
  "kill",
  config,
  Effect.fnUntraced(function* ({ worker, run, stale, json, ...flags }) {
    const gateway = yield* gatewayOf(flags);
    if (gateway !== undefined && stale) return yield* onlyHere("stale", "true");
    if (gateway !== undefined && Option.isSome(run)) return yield* onlyHere("run", run.value);
    if (!stale && Option.isNone(worker)) {
      return yield* new CliError.ShowHelp({
        commandPath: ["snakepit", "kill"],
        errors: [new CliError.MissingArgument({ argument: "worker" })],
      });
    }
    const name = Option.getOrElse(worker, () => "");
    const killed = stale
      ? yield* killStale
      : [gateway === undefined ? yield* killHere(name, Option.getOrUndefined(run)) : yield* killThere(name, gateway)];
    if (json)
      return yield* printLine(
        JSON.stringify(
          killed.map(({ said: _, ...its }) => its),
          undefined,
          2,
        ),
      );
    for (const { said } of killed) yield* printLine(`Killed ${said}.`);
    if (killed.length === 0) yield* printLine("Nothing was left behind.");
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
  return ended.map((leftover) => ({
    worker: leftover.process.id,
    pids: leftover.targets.map(Math.abs),
    run: leftover.host.run,
    host: leftover.host.pid,
    said: leftoverMessage(leftover),
  }));
});

const killThere = Effect.fnUntraced(function* (worker: string, { url, admin }: Gateway) {
  if (!(yield* asked(() => admin.killWorker(worker)))) return yield* new NotKilled({ message: `There is no worker "${worker}".` });
  return { worker, url, said: `worker ${worker} of the pit behind ${url}` };
});

const killHere = Effect.fnUntraced(function* (worker: string, run: string | undefined) {
  const open = yield* registry;
  const found = (yield* open.hosts).flatMap((host) =>
    host.processes
      .filter(({ id, kind }) => kind === "worker" && id === worker && (run === undefined || run === host.run))
      .map((process) => ({ host, process })),
  );
  const [only] = found;
  if (only === undefined) return yield* new NotKilled({ message: `There is no worker "${worker}".` });
  if (found.length > 1) {
    const runs = runsOf(found.map(({ host }) => host));
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
  const said = `worker ${worker} (process ${process.pid}) of process ${host.pid}`;
  return { worker, pids: [process.pid], run: host.run, host: host.pid, said };
});
