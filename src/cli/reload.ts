/** `snakepit reload`: pits take up changed tools. */
import { Effect, Option, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import { askPit } from "../registry/admin-client.ts";
import { registry } from "./open-pits.ts";
import { printLine } from "./output.ts";

/** A pit goes on with the tools that it had. */
export class NotReloaded extends Schema.TaggedError<NotReloaded>()("NotReloaded", { message: Schema.String }) {}

/** Longest time until all workers of a pit are new, in milliseconds. They are replaced one after the other, and each imports its tools. */
const RELOAD_MS = 300_000;

const config = {
  run: Flag.String("run").pipe(Flag.withDescription("Run of one pit; all that are open when it is left out"), Flag.optional),
};

/** The command. Fails with NotReloaded when there is no such pit, or one could not do it. */
export const reload = Command.make(
  "reload",
  config,
  Effect.fnUntraced(function* ({ run }) {
    const wanted = Option.getOrUndefined(run);
    const hosts = (yield* (yield* registry).hosts).filter((host) => wanted === undefined || host.run === wanted);
    if (hosts.length === 0) {
      return yield* new NotReloaded({ message: wanted === undefined ? "No pit is open." : `There is no pit with the run "${wanted}".` });
    }
    const results = yield* Effect.forEach(
      hosts,
      ({ run, pid, socketPath }) =>
        Effect.tryPromise({
          try: () => askPit(socketPath, "reload", {}, RELOAD_MS),
          catch: (error) => (error instanceof Error ? error.message : String(error)),
        }).pipe(
          Effect.andThen(printLine(`Reloaded run ${run} of process ${pid}.`)),
          Effect.as(""),
          Effect.catchIf(
            (error) => typeof error === "string",
            (reason) => Effect.succeed(`Run ${run} of process ${pid} goes on with the tools it had: ${reason}`),
          ),
        ),
      { concurrency: "unbounded" },
    );
    const failed = results.filter((reason) => reason !== "");
    if (failed.length > 0) return yield* new NotReloaded({ message: failed.join("\n") });
  }, Effect.scoped),
).pipe(
  Command.withDescription("Has open pits replace their workers by ones with the code as it is now, without a call failing"),
  Command.withExamples([{ command: "snakepit reload", description: "Every pit of this user" }]),
);
