/** Asks an interpreter, in one run, what it is and what it has. */
import { Effect } from "effect";
import { runCommand } from "../runtime/command.ts";
import { pythonEnvironment } from "./python-environment.ts";
import { parseVersion, type Version } from "./requirements.ts";

/** What an interpreter says of itself. */
export interface Interpreter {
  /** Command or path it was asked under. */
  readonly command: string;
  /** Its own idea of its path. */
  readonly executable: string;
  /** Its version, such as `[3, 12, 1]`. */
  readonly version: Version;
  /** Version of every package it can import, by name in lower case. */
  readonly packages: ReadonlyMap<string, string>;
  /** Folders that it imports from, but for the working directory. */
  readonly folders: readonly string[];
  /** Whether it belongs to a virtual environment. */
  readonly isVenv: boolean;
  /** Whether `-m pip` works. */
  readonly hasPip: boolean;
  /** Whether `-m venv` works: Debian ships that in a package of its own. */
  readonly hasVenv: boolean;
  /** Whether the system's package manager keeps it for itself (PEP 668). */
  readonly isExternallyManaged: boolean;
}

/** Why a command is no interpreter, as the end of a sentence that begins with the command. */
export interface NoInterpreter {
  readonly command: string;
  readonly reason: string;
}

/**
 * Old Pythons run it too. Versions come from the names of the `.dist-info` folders: `importlib.metadata` would take five times as long to import as
 * all of this takes.
 */
const script = `
import json, os, sys
stdlib = os.path.dirname(os.__file__)
packages = {}
for folder in sys.path:
    try:
        names = os.listdir(folder or ".")
    except OSError:
        continue
    for name in names:
        if name.endswith(".dist-info"):
            package, _, version = name[:-10].partition("-")
            packages.setdefault(package.lower().replace("_", "-"), version)
has = lambda module: any(os.path.isdir(os.path.join(folder, module)) for folder in sys.path)
print("\\n" + json.dumps({
    "version": list(sys.version_info[:3]),
    "executable": sys.executable,
    "packages": packages,
    "folders": [os.path.abspath(folder) for folder in sys.path if folder],
    "isVenv": sys.prefix != getattr(sys, "base_prefix", sys.prefix),
    "hasPip": has("pip"),
    "hasVenv": has("venv") and has("ensurepip"),
    "isExternallyManaged": os.path.exists(os.path.join(stdlib, "EXTERNALLY-MANAGED")),
}))
`;

/** Longest time an interpreter may take to answer, in milliseconds. */
const timeoutMs = 20_000;

/** Runs `command` once and gives what it says of itself, or why it is no interpreter. */
export const probe = (command: string): Effect.Effect<Interpreter | NoInterpreter> =>
  Effect.promise(async (signal) => {
    const run = await runCommand(command, ["-c", script], { env: pythonEnvironment(), signal, timeoutMs });
    if (run.notRun === "ENOENT") return { command, reason: "is not there" };
    if (run.notRun !== undefined) return { command, reason: `cannot be run (${run.notRun})` };
    if (run.timedOut) return { command, reason: `did not answer within ${timeoutMs / 1000} s` };
    const answer = parse(command, run.stdout.trimEnd().split("\n").at(-1) ?? "");
    if (run.exitCode === 0 && answer !== undefined) return answer;
    const said = run.stderr.trimEnd().split("\n").at(-1) || run.stdout.trimEnd().split("\n").at(-1);
    return { command, reason: `is no Python interpreter${said ? ` (it says: ${said.slice(0, 200)})` : ""}` };
  });

/** Whether a probe found an interpreter. */
export const isInterpreter = (found: Interpreter | NoInterpreter): found is Interpreter => !("reason" in found);

function parse(command: string, line: string): Interpreter | undefined {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof json !== "object" || json === null || !("version" in json) || !Array.isArray(json.version)) return undefined;
  const flag = (name: string): boolean => Reflect.get(json, name) === true;
  const packages: unknown = Reflect.get(json, "packages");
  const folders: unknown = Reflect.get(json, "folders");
  return {
    command,
    executable: String(Reflect.get(json, "executable") ?? "") || command,
    version: parseVersion(json.version.join(".")),
    packages: new Map(Object.entries(packages ?? {}).map(([name, version]) => [name, String(version)])),
    folders: Array.isArray(folders) ? folders.map(String) : [],
    isVenv: flag("isVenv"),
    hasPip: flag("hasPip"),
    hasVenv: flag("hasVenv"),
    isExternallyManaged: flag("isExternallyManaged"),
  };
}
