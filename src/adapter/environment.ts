/**
 * The managed environment: a virtual environment that holds what workers need and nothing else, made once for a user and shared by all programs.
 *
 * Its name says what it was made of, so it is never changed, only made anew under another name. It is made under a temporary name and
 * renamed when it is whole, so one that is there is good; finding it runs no Python.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Effect } from "effect";
import { EnvironmentFailed } from "../errors/index.ts";
import { packageInfo, pythonRequirements } from "../runtime/package-root.ts";
import { startTime } from "../runtime/process-info.ts";
import { findBase } from "./base-interpreter.ts";
import { cacheFolder } from "./cache.ts";
import { fillEnvironment, type Tools } from "./install.ts";
import { hold } from "./lock.ts";
import { isAtLeast, parseVersion, type Version } from "./requirements.ts";

/** An interpreter that has what workers need. */
export interface ReadyPython {
  /** Its path. */
  readonly path: string;
  /** Its version: at least the first two numbers. */
  readonly version: Version;
}

/** The interpreter of the managed environment, or undefined when it has not been made. Takes about a millisecond. */
export const findManaged: Effect.Effect<ReadyPython | undefined> = Effect.promise(async () => {
  const [folder, tail] = await Promise.all([environmentsFolder(), nameTail()]);
  const names = await readdir(folder).catch(() => []);
  const pythons = names
    .filter((name) => name.startsWith("py") && name.endsWith(tail))
    .map((name): ReadyPython => ({ path: join(folder, name, "bin", "python"), version: parseVersion(name.slice(2)) }))
    .sort((a, b) => (isAtLeast(a.version, b.version) ? -1 : 1));
  // Not there either when the interpreter that it was made from was uninstalled: the path is a link to that.
  return pythons.find(({ path }) => existsSync(path));
});

/**
 * The interpreter of the managed environment, which is made when it is not there: once, whoever else asks at the same time.
 * `onProgress` hears the steps. Fails with PythonNotFound without a Python to make it from, and with EnvironmentFailed when it cannot be made.
 */
export const managedEnvironment = Effect.fnUntraced(function* (looked: readonly string[], onProgress: (step: string) => void) {
  const found = yield* findManaged;
  if (found !== undefined) return found;
  const folder = environmentsFolder();
  yield* inFolder(folder, () => mkdir(folder, { recursive: true }));
  return yield* Effect.scoped(
    Effect.gen(function* () {
      yield* hold(join(folder, ".lock"), (pid) => onProgress(`Waiting for process ${pid}, which makes the Python environment`)).pipe(
        Effect.mapError((cause) => unusable(folder, cause)),
      );
      return (yield* findManaged) ?? (yield* make(folder, looked, onProgress));
    }),
  );
});

const make = Effect.fnUntraced(function* (folder: string, looked: readonly string[], onProgress: (step: string) => void) {
  const tools = yield* findBase(looked);
  const name = `py${tools.base.version.slice(0, 2).join(".")}-${yield* Effect.promise(nameTail)}`;
  const whole = join(folder, name);
  yield* inFolder(folder, () => clear(folder, whole));
  return yield* Effect.acquireUseRelease(
    Effect.promise(async () => join(folder, await temporaryName(process.pid))),
    (temporary) => build(tools, temporary, whole, onProgress),
    (temporary) => Effect.promise(() => rm(temporary, { recursive: true, force: true }).catch(() => {})),
  );
});

const build = Effect.fnUntraced(function* (tools: Tools, temporary: string, whole: string, onProgress: (step: string) => void) {
  onProgress(`Making the Python environment in ${whole} (once; Python ${tools.base.version.join(".")})`);
  const began = performance.now();
  yield* fillEnvironment(tools, temporary, onProgress);
  yield* inFolder(whole, async () => {
    await rename(temporary, whole).catch((error: unknown) => {
      // Somebody else made it meanwhile: theirs is as good.
      if (!existsSync(join(whole, "bin", "python"))) throw error;
    });
  });
  onProgress(`The Python environment is ready (${((performance.now() - began) / 1000).toFixed(1)} s)`);
  return { path: join(whole, "bin", "python"), version: tools.base.version } satisfies ReadyPython;
});

/** Removes what makers that died left behind, and an environment whose base interpreter is gone. */
async function clear(folder: string, whole: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /^\.making-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && name !== (await temporaryName(Number(pid)))) await rm(join(folder, name), { recursive: true, force: true });
  }
  if (!existsSync(join(whole, "bin", "python"))) await rm(whole, { recursive: true, force: true });
}

/** Name of the folder in which a process makes an environment: it tells whether that process is still there. */
const temporaryName = async (pid: number): Promise<string> => `.making-${pid}-${(await startTime(pid)).replaceAll(/\W+/g, "_")}`;

const environmentsFolder = (): string => join(cacheFolder(), "python");

/** What the environment is made of, but for the Python: the end of its name. */
async function nameTail(): Promise<string> {
  const { version } = packageInfo();
  const pinned = await readFile(pythonRequirements(), "utf8");
  const hash = createHash("sha256").update([process.platform, process.arch, pinned].join("\n")).digest("hex");
  return `${version}-${hash.slice(0, 12)}`;
}

const inFolder = (folder: string, run: () => Promise<unknown>): Effect.Effect<void, EnvironmentFailed> =>
  Effect.tryPromise({ try: run, catch: (cause) => unusable(folder, cause) }).pipe(Effect.asVoid);

const unusable = (folder: string, cause: unknown): EnvironmentFailed =>
  new EnvironmentFailed(
    {
      python: folder,
      reason: `The folder ${folder} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}.`,
      mend: "Set SNAKEPIT_CACHE to a folder that can be written.",
    },
    { cause },
  );
