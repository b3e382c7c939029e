/** `snakepit call`: one call, its result as JSON on stdout. What the tool prints goes to stderr. */
import { Effect, Option, Stream } from "effect";
import { Argument, CliError, Command, Flag } from "effect/cli";
import { layer, Pool } from "../pit/service.ts";
import { printLog } from "../pool/logs.ts";
import { parseJson, printJson } from "./json.ts";
import { printLine } from "./output.ts";
import { hideProgress, showProgress } from "./progress-line.ts";

const config = {
  tools: Argument.File("tools").pipe(Argument.withDescription("File with tools, such as ./tools.py, or a module path")),
  tool: Argument.String("tool").pipe(Argument.withDescription('Name of the tool; a method is "Class.method"')),
  args: Argument.String("args").pipe(
    Argument.withDescription("Arguments by name, as a JSON object"),
    Argument.withDefault("{}"),
    Argument.mapEffect((text) => argumentsOf(text)),
  ),
  python: Flag.File("python").pipe(Flag.withDescription("Python interpreter to use"), Flag.optional),
  timeout: Flag.Finite("timeout").pipe(Flag.withDescription("Longest time of the call in seconds"), Flag.optional),
  pretty: Flag.Boolean("pretty").pipe(Flag.withDescription("Indent the JSON"), Flag.withDefault(false)),
};

/** The command. */
export const call = Command.make("call", config, ({ tools, tool, args, python, timeout, pretty }) => {
  const timeoutMs = Option.getOrUndefined(Option.map(timeout, (seconds) => seconds * 1000));
  const options = { timeoutMs, onProgress: showProgress };
  const print = (value: unknown) => {
    hideProgress();
    return printLine(printJson(value, pretty));
  };
  return Effect.gen(function* () {
    const pool = yield* Pool;
    const streams = (yield* pool.tools).some(({ name, streaming }) => name === tool && streaming);
    if (streams) yield* Stream.runForEach(pool.executeStream(tool, args, options), print);
    else yield* print(yield* pool.execute(tool, args, options));
  }).pipe(
    Effect.provide(
      layer({
        tools,
        workers: 1,
        python: Option.getOrUndefined(python),
        onLog: (event) => {
          hideProgress();
          printLog(event);
        },
      }),
    ),
    Effect.ensuring(Effect.sync(hideProgress)),
  );
}).pipe(
  Command.withDescription("Calls one tool and prints its result as JSON; a stream prints a line an item"),
  Command.withExamples([{ command: `snakepit call ./tools.py add '{"a": 1, "b": 2}'`, description: "One call" }]),
);

function argumentsOf(text: string): Effect.Effect<Record<string, unknown>, CliError.InvalidValue> {
  return Effect.suspend(() => {
    const value = tryParse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? Effect.succeed({ ...value })
      : Effect.fail(new CliError.InvalidValue({ option: "args", value: text, expected: "a JSON object", kind: "argument" }));
  });
}

function tryParse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
