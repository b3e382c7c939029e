/** `snakepit doctor`: what is installed, what is missing, and the command that mends it. */
import { Effect, Option, Schema } from "effect";
import { Command, Flag } from "effect/cli";
import { memory as amount } from "../dashboard/format.ts";
import { type Diagnosis, diagnose } from "./diagnosis.ts";
import { printLine } from "./output.ts";
import { type Paint, paintFor } from "./text.ts";

/** Something is missing, or was left behind. The report has been printed. */
export class Unhealthy extends Schema.TaggedError<Unhealthy>()("Unhealthy", {}) {}

const config = {
  python: Flag.File("python").pipe(Flag.withDescription("Python interpreter to look at"), Flag.optional),
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the report as JSON"), Flag.withDefault(false)),
};

/** The command. Fails with Unhealthy when something is missing or was left behind. */
export const doctor = Command.make(
  "doctor",
  config,
  Effect.fnUntraced(function* ({ python, json }) {
    const diagnosis = yield* diagnose(Option.getOrUndefined(python));
    yield* printLine(json ? JSON.stringify(diagnosis, undefined, 2) : report(diagnosis, paintFor(process.stdout)));
    if (diagnosis.missing.length + diagnosis.leftovers.length > 0) return yield* new Unhealthy();
  }),
).pipe(Command.withDescription("Shows what is installed, what is missing, and the command that mends it"));

function report(diagnosis: Diagnosis, paint: Paint): string {
  const { snakepit, runtime, platform, python, looked, packages, managed, limits, memory, socketOnly, missing, leftovers } = diagnosis;
  const row = (name: string, text: string): string => `${name.padEnd(12)}${text}`;
  const unmade = managed.used && managed.path === null;
  const lines = [
    row("snakepit", snakepit),
    row("runtime", `${runtime.name} ${runtime.version}, ${platform}`),
    python === null
      ? row("Python", "none that fits")
      : row(
          "Python",
          `${python.version}  ${python.path}  (${unmade ? "the managed environment will be made from it" : `from ${python.origin}`})`,
        ),
    ...(python === null ? looked.map((line) => row("", line)) : []),
    ...packages.map(({ name, version, atLeast, ok }) => row(name, `${version ?? "missing"}${ok ? "" : `  (needs ${atLeast} or later)`}`)),
    row("managed", managed.path ?? `not made yet; the first open makes it in ${managed.cache}`),
    row("open files", limits.openFiles === null ? "no limit" : `up to ${limits.openFiles}`),
    row("processes", limits.processes === null ? "no limit" : `up to ${limits.processes}`),
    row(
      "memory",
      `${amount(BigInt(memory.freeBytes))} free of ${amount(BigInt(memory.totalBytes))}${memory.isLimited ? ", the limit of this container" : ""}`,
    ),
    row("arrays", socketOnly === null ? "through shared memory" : `over the socket: ${socketOnly}`),
    "",
    ...(missing.length === 0
      ? [paint("green", "Nothing is missing.")]
      : missing.map(({ what, mend }) => `${paint("red", `Missing: ${what}`)}\n${mend}`)),
    ...leftovers.map((leftover) => paint("yellow", `Left running: ${leftover}`)),
    ...(leftovers.length === 0 ? [] : ["snakepit kill --stale"]),
  ];
  return lines.join("\n");
}
