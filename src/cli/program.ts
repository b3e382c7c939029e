/** The commands together: parsing, messages on stderr, exit code. */
import { Cause, Effect, Exit, Layer } from "effect";
import { CliConfig, type CliError, CliOutput, Command, GlobalFlag } from "effect/cli";
import { isSnakepitError } from "../errors/index.ts";
import { packageInfo } from "../runtime/package-root.ts";
import { call } from "./call.ts";
import { doctor } from "./doctor.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { kill } from "./kill.ts";
import { OutputClosed } from "./output.ts";
import { reload } from "./reload.ts";
import { serve } from "./serve.ts";
import { services } from "./services.ts";
import { sessions } from "./sessions.ts";
import { complain } from "./text.ts";
import { token } from "./token.ts";
import { top } from "./top.ts";
import { workers } from "./workers.ts";

const snakepit = Command.make("snakepit").pipe(
  Command.withDescription("Calls Python tools from the command line, and looks after the pits that are open"),
  Command.withSubcommands([call, serve, doctor, workers, sessions, reload, kill, top, token]),
);

const settings = Layer.mergeAll(
  services,
  CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions] }),
  CliOutput.layerPresenter({
    // A mistake is answered with what is wrong, on stderr, and not with a page of help before it.
    present: (event) =>
      event._tag === "InvalidInvocation"
        ? Effect.sync(() => refuse(event.errors, event.commandPath))
        : CliOutput.defaultPresenter.present(event),
  }),
);

/** Runs the command line `args` and sets the exit code of this process. */
export async function main(args: readonly string[]): Promise<void> {
  const run = Command.runWith(snakepit, { version: packageInfo().version });
  const exit = await Effect.runPromiseExit(run(args).pipe(Effect.provide(settings)));
  process.exitCode = Exit.isSuccess(exit) ? exitCodes.ok : failed(Cause.squash(exit.cause));
}

/** Says on stderr why it failed, unless that was said already, and gives the exit code. */
function failed(error: unknown): ExitCode {
  if (error instanceof OutputClosed) return exitCodes.ok;
  if (isSnakepitError(error)) {
    complain(describe(error));
    if (error._tag === "InvalidOptions") return exitCodes.usage;
    return error._tag === "PythonNotFound" || error._tag === "EnvironmentFailed" ? exitCodes.environment : exitCodes.failed;
  }
  switch (tagOf(error)) {
    case "Unhealthy":
      return exitCodes.failed;
    case "NotChosen":
    case "NotKilled":
    case "NotReloaded":
    case "NotWatched":
    case "NotServed":
    case "TokensFailed":
      complain(error instanceof Error ? error.message : "");
      return exitCodes.failed;
    // Of a flag that is right by itself but does not go with another.
    case "InvalidValue":
      complain(error instanceof Error ? error.message : "");
      return exitCodes.usage;
    case "ShowHelp":
      return wasMistake(error) ? exitCodes.usage : exitCodes.ok;
    default:
      complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
      return exitCodes.failed;
  }
}

/** The error as people read it: Python's own traceback first, as Python would print it, then the sentence. */
function describe(error: Error & { readonly _tag: string }): string {
  const traceback = "traceback" in error && typeof error.traceback === "string" ? error.traceback.trimEnd() : "";
  return [...(traceback === "" ? [] : [traceback, ""]), `${error._tag}: ${error.message}`].join("\n");
}

function refuse(errors: readonly CliError.NonShowHelpErrors[], commandPath: readonly string[]): void {
  for (const { message } of errors) complain(message);
  complain(`Try: ${commandPath.join(" ")} --help`);
}

const tagOf = (error: unknown): unknown => (typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined);
const wasMistake = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "errors" in error && Array.isArray(error.errors) && error.errors.length > 0;
