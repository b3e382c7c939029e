/** The Python that the managed environment is made from, and what makes it. */
import { Effect } from "effect";
import { EnvironmentFailed, PythonNotFound } from "../errors/index.ts";
import { runCommand } from "../runtime/command.ts";
import type { Tools } from "./install.ts";
import { type Interpreter, isInterpreter, probe } from "./probe.ts";
import { isAtLeast, oldestPython } from "./requirements.ts";

/** Names under which PATH may know a Python, in the order they are tried: the user's own choice first, then the newest. */
const names = ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10"];

/**
 * A Python on PATH that can make a virtual environment, by itself or with uv.
 *
 * Fails with PythonNotFound when there is none of the right age, with EnvironmentFailed when none has the module `venv` and uv is not there either.
 */
export const findBase = Effect.fnUntraced(function* (looked: readonly string[]) {
  const uv = yield* hasUv;
  const seen = [...looked];
  let withoutVenv: Interpreter | undefined;
  for (const name of names) {
    const found = yield* probe(name);
    if (!isInterpreter(found)) seen.push(`PATH: ${name} ${found.reason}`);
    else if (!isAtLeast(found.version, oldestPython)) seen.push(`PATH: ${name} is Python ${found.version.join(".")}`);
    else if (found.hasVenv || uv) return { base: found, uv } satisfies Tools;
    else withoutVenv ??= found;
  }
  if (withoutVenv !== undefined) {
    const { executable, version } = withoutVenv;
    return yield* Effect.fail(
      new EnvironmentFailed({
        python: executable,
        reason: `${executable} (Python ${version.join(".")}) cannot make a virtual environment: it has no module "venv" or "ensurepip".`,
        mend: `Run: sudo apt install python${version.slice(0, 2).join(".")}-venv`,
      }),
    );
  }
  const old = seen.filter((line) => / is Python /.test(line)).map((line) => line.replace("PATH: ", ""));
  const reason = `There is no Python ${oldestPython.join(".")} or later on PATH${old.length > 0 ? ` (${old.join(", ")})` : ""}.`;
  const install = process.platform === "darwin" ? "brew install python" : "sudo apt install python3 python3-venv";
  return yield* Effect.fail(new PythonNotFound({ looked: seen, reason, mend: `Install one, for example by: ${install}` }));
});

const hasUv: Effect.Effect<boolean> = Effect.promise(async (signal) => (await runCommand("uv", ["--version"], { signal })).exitCode === 0);
