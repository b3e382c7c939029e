/**
 * Which Python runs the workers: the option, SNAKEPIT_PYTHON, VIRTUAL_ENV, ./.venv, or the managed environment, whichever comes first.
 *
 * The first that is there is used. One that is too old or lacks packages is an error that says how to mend it; going on to the next would run the
 * tools on an interpreter that their author did not mean.
 */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { Effect } from "effect";
import { EnvironmentFailed, PythonNotFound } from "../errors/index.ts";
import { type Interpreter, isInterpreter, probe } from "./probe.ts";
import { isAtLeast, oldestPython, type Requirement, unmet } from "./requirements.ts";

/** Where an interpreter was found. */
export type Origin = "option" | "SNAKEPIT_PYTHON" | "VIRTUAL_ENV" | "./.venv" | "managed";

/** An interpreter that somebody named, not looked at yet. */
export interface Named {
  readonly origin: Exclude<Origin, "managed">;
  readonly command: string;
}

/** What was named, and every place that was looked at, one line each. */
export interface Search {
  /** Undefined when nobody named one: the managed environment is used. */
  readonly named: Named | undefined;
  readonly looked: readonly string[];
}

/** Looks where an interpreter may be named. Runs nothing. `option` is what the user gave. */
export function search(option: string | undefined): Search {
  const looked: string[] = [];
  const path = (command: string): string => (command.includes("/") ? resolve(command) : command);
  const name = (origin: Named["origin"], command: string): Search => {
    looked.push(`${origin}: ${command}`);
    return { named: { origin, command }, looked };
  };
  if (option !== undefined) return name("option", path(option));
  looked.push("option: not given");
  const { SNAKEPIT_PYTHON, VIRTUAL_ENV } = process.env;
  if (SNAKEPIT_PYTHON) return name("SNAKEPIT_PYTHON", path(SNAKEPIT_PYTHON));
  looked.push("SNAKEPIT_PYTHON: not set");
  if (VIRTUAL_ENV) {
    const command = join(resolve(VIRTUAL_ENV), "bin", "python");
    if (existsSync(command)) return name("VIRTUAL_ENV", command);
    looked.push(`VIRTUAL_ENV: ${command} is not there`);
  } else looked.push("VIRTUAL_ENV: not set");
  const local = resolve(".venv", "bin", "python");
  if (existsSync(local)) return name("./.venv", local);
  looked.push(`./.venv: ${local} is not there`);
  return { named: undefined, looked };
}

/** Asks a named interpreter what it is. Fails with PythonNotFound when it is none, or too old. */
export const examine = Effect.fnUntraced(function* (named: Named, looked: readonly string[]) {
  const found = yield* probe(named.command);
  const way = named.origin === "option" ? 'the option "python"' : named.origin;
  if (!isInterpreter(found)) {
    return yield* Effect.fail(
      new PythonNotFound({ looked, reason: `${named.command}, from ${way}, ${found.reason}.`, mend: mendNamed(named) }),
    );
  }
  if (!isAtLeast(found.version, oldestPython)) {
    const reason = `${named.command}, from ${way}, is Python ${found.version.join(".")}; Snakepit needs ${oldestPython.join(".")} or later.`;
    return yield* Effect.fail(new PythonNotFound({ looked, reason, mend: mendNamed(named) }));
  }
  return found;
});

/** Fails with EnvironmentFailed when `python` lacks a package that workers need, or has one that is too old. */
export const requirePackages = (python: Interpreter): Effect.Effect<void, EnvironmentFailed> => {
  const lacking = unmet(python.packages);
  if (lacking.length === 0) return Effect.void;
  const list = lacking.map(({ name, atLeast }) => {
    const version = python.packages.get(name);
    return version === undefined ? name : `${name} ${atLeast} or later (it has ${version})`;
  });
  return Effect.fail(
    new EnvironmentFailed({
      python: python.command,
      reason: `${python.command} lacks ${list.join(", ")}.`,
      mend: `Run: ${mendCommand(python, lacking)}`,
    }),
  );
};

/** The command that gives `python` the packages it lacks. */
export function mendCommand(python: Interpreter, lacking: readonly Requirement[]): string {
  const packages = lacking.map(({ name, atLeast }) => `"${name}>=${atLeast}"`).join(" ");
  if (python.isExternallyManaged && !python.isVenv)
    return `${quote(python.command)} -m venv .venv && .venv/bin/python -m pip install ${packages}`;
  if (!python.hasPip) return `uv pip install --python ${quote(python.command)} ${packages}`;
  return `${quote(python.command)} -m pip install ${packages}`;
}

function mendNamed({ origin, command }: Named): string {
  if (origin === "VIRTUAL_ENV" || origin === "./.venv") {
    const folder = quote(resolve(command, "..", ".."));
    return `Run: python3 -m venv --clear ${folder}`;
  }
  return `Give ${origin === "option" ? 'the option "python"' : origin} the path of a Python ${oldestPython.join(".")} or later, or leave it out.`;
}

/** A word as a shell takes it. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);
