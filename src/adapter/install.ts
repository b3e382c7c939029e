/** Fills a new virtual environment with exactly the pinned packages. */
import { join } from "node:path";
import { Effect } from "effect";
import { EnvironmentFailed } from "../errors/index.ts";
import { runCommand } from "../runtime/command.ts";
import { pythonRequirements } from "../runtime/package-root.ts";
import { type Interpreter, isInterpreter, probe } from "./probe.ts";
import { unmet } from "./requirements.ts";

/** What makes an environment. */
export interface Tools {
  /** The Python it is made from. */
  readonly base: Interpreter;
  /** Whether uv is on PATH: it takes a second where pip takes ten. */
  readonly uv: boolean;
}

interface Step {
  readonly says: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** Makes a virtual environment in `folder` and installs the pinned packages. With uv; should that fail, or not be there, with pip. */
export const fillEnvironment = Effect.fnUntraced(function* (tools: Tools, folder: string, onProgress: (step: string) => void) {
  const { base } = tools;
  const byUv = tools.uv && (yield* runAll(uvSteps(base, folder), onProgress)) === undefined;
  if (!byUv) {
    const failed = yield* runAll(pipSteps(base, folder), onProgress);
    if (failed !== undefined) {
      return yield* Effect.fail(
        new EnvironmentFailed({
          python: base.executable,
          reason: `${failed.says} failed: ${failed.said}`,
          mend: `Mend that and run again, or make an environment yourself: ${base.executable} -m venv .venv && .venv/bin/python -m pip install -r ${pythonRequirements()}`,
        }),
      );
    }
  }
  const made = yield* probe(join(folder, "bin", "python"));
  const lacking = isInterpreter(made) ? unmet(made.packages).map(({ name }) => name) : ["a Python that runs"];
  if (lacking.length > 0) {
    return yield* Effect.fail(
      new EnvironmentFailed({
        python: base.executable,
        reason: `The environment made from ${base.executable} lacks ${lacking.join(", ")}.`,
        mend: `Name an interpreter of your own with the option "python" or SNAKEPIT_PYTHON.`,
      }),
    );
  }
});

const uvSteps = (base: Interpreter, folder: string): readonly Step[] => [
  { says: "Making it with uv", command: "uv", args: ["venv", "--quiet", "--no-project", "--clear", "--python", base.executable, folder] },
  {
    says: "Installing packages with uv",
    command: "uv",
    args: [
      "pip",
      "install",
      "--quiet",
      "--compile-bytecode",
      "--require-hashes",
      "--python",
      join(folder, "bin", "python"),
      "-r",
      pythonRequirements(),
    ],
  },
];

const pipSteps = (base: Interpreter, folder: string): readonly Step[] => [
  { says: `Making it with ${base.executable} -m venv`, command: base.executable, args: ["-m", "venv", "--clear", folder] },
  {
    says: "Installing packages with pip",
    command: join(folder, "bin", "python"),
    args: ["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--require-hashes", "-r", pythonRequirements()],
  },
];

/** Runs steps in order. Gives the first that failed, with what it said. */
const runAll = Effect.fnUntraced(function* (steps: readonly Step[], onProgress: (step: string) => void) {
  for (const { says, command, args } of steps) {
    onProgress(says);
    const run = yield* Effect.promise((signal) => runCommand(command, args, { env: cleanEnvironment(), signal }));
    if (run.exitCode !== 0) return { says, said: run.notRun ?? lastLines(run.stderr || run.stdout) };
  }
  return undefined;
});

/** This program's environment without what would make Python or pip look, or install, elsewhere. */
function cleanEnvironment(): Record<string, string | undefined> {
  const { PYTHONPATH: _path, PYTHONHOME: _home, VIRTUAL_ENV: _venv, PIP_TARGET: _target, PIP_PREFIX: _prefix, ...env } = process.env;
  return { ...env, PIP_USER: "0" };
}

/** The end of what a program said, where pip and uv say what went wrong. */
const lastLines = (text: string): string =>
  text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-3)
    .join("\n") || "it said nothing";
