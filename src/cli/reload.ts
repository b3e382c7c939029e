/** `snakepit reload`: pits take up changed tools. */
import { Effect, Option, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import { askPit } from "../registry/admin-client.ts";
import { asked, gatewayFlags, gatewayOf, onlyHere } from "./gateway.ts";
import { asAdminError, hostsOf } from "./open-pits.ts";
import { printLine } from "./output.ts";

/** A pit goes on with the tools that it had. */
export class NotReloaded extends Schema.TaggedError<NotReloaded>()("NotReloaded", { message: Schema.String }) {}

/** Longest time until all workers of a pit are new, in milliseconds. They are replaced one after the other, and each imports its tools. */
const RELOAD_MS = 300_000;

const config = {
  ...gatewayFlags,
  run: Flag.String("run").pipe(Flag.withDescription("Run of one pit; all that are open when it is left out"), Flag.optional),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print one JSON list of pits"), Flag.withDefault(false)),
};

/** The command. Fails with NotChosen when there is no such pit, and with NotReloaded when one could not do it. */
export const reload = Command.make(
  "reload",
  config,
  Effect.fnUntraced(function* ({ run, json, ...flags }) {
    const gateway = yield* gatewayOf(flags);
    if (gateway !== undefined && Option.isSome(run)) return yield* onlyHere("run", run.value);
    const results =
      gateway === undefined
        ? yield* reloadHere(Option.getOrUndefined(run))
        : [{ url: gateway.url, reason: yield* reasonOf(asked(() => gateway.admin.reloadTools())) }];
    const failed = results.filter(({ reason }) => reason !== "");
    if (json) {
      const pits = results.map(({ reason, ...pit }) => ({ ...pit, reloaded: reason === "", reason }));
      yield* printLine(JSON.stringify(pits, undefined, 2));
    } else {
      for (const result of results) if (result.reason === "") yield* printLine(`Reloaded ${nameOf(result)}.`);
    }
    const said = failed.map((result) => `${capital(nameOf(result))} goes on with the tools it had: ${result.reason}`);
    if (failed.length > 0) return yield* new NotReloaded({ message: said.join("\n") });
  }, Effect.scoped),
).pipe(
  Command.withDescription("Has pits replace their workers by ones with the code as it is now, without a call failing"),
  Command.withExamples([{ command: "snakepit reload", description: "Every pit of this user that is open" }]),
);

const reloadHere = Effect.fnUntraced(function* (run: string | undefined) {
  return yield* Effect.forEach(
    yield* hostsOf(run),
    ({ run, pid, socketPath }) =>
      reasonOf(Effect.tryPromise({ try: () => askPit(socketPath, "reload", {}, RELOAD_MS), catch: asAdminError })).pipe(
        Effect.map((reason) => ({ run, pid, reason })),
      ),
    { concurrency: "unbounded" },
  );
});

/** Why it was not done; empty when it was. */
const reasonOf = (done: Effect.Effect<unknown, Error>): Effect.Effect<string> =>
  done.pipe(
    Effect.as(""),
    Effect.catch(({ message }) => Effect.succeed(message)),
  );

type Named = { readonly url: string } | { readonly run: string; readonly pid: number };
const nameOf = (pit: Named): string => ("url" in pit ? `the pit behind ${pit.url}` : `run ${pit.run} of process ${pit.pid}`);
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
