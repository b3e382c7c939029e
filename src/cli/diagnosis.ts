/** What `snakepit doctor` finds out. Changes nothing: the managed environment and leftovers are only looked for. */
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Effect } from "effect";
import { findBase } from "../adapter/base-interpreter.ts";
import { cacheFolder } from "../adapter/cache.ts";
import { findManaged } from "../adapter/environment.ts";
import { examine, mendCommand, type Origin, search } from "../adapter/interpreter.ts";
import { type Interpreter, isInterpreter, probe } from "../adapter/probe.ts";
import { type Requirement, requirements, unmet } from "../adapter/requirements.ts";
import type { EnvironmentFailed, PythonNotFound } from "../errors/index.ts";
import { leftoverMessage } from "../registry/message.ts";
import { type Limits, limits, type MemoryLimits, memoryLimits } from "../runtime/limits.ts";
import { memoryMapper } from "../runtime/memory-map.ts";
import { packageInfo } from "../runtime/package-root.ts";
import { makePrivateFolder } from "../runtime/private-folder.ts";
import { currentRuntime, type RuntimeInfo } from "../runtime/runtime.ts";
import { registry } from "./open-pits.ts";

/** A Python package and what is there of it. */
export interface PackageState extends Requirement {
  /** The version that is there; null when it is missing. */
  readonly version: string | null;
  readonly ok: boolean;
}

/** The interpreter that workers would run on. */
export interface PythonState {
  readonly path: string;
  readonly version: string;
  /** Where it was found. "managed" before the managed environment was made: the one that it will be made from. */
  readonly origin: Origin;
}

/** Something that is missing, and what mends it. */
export interface Missing {
  readonly what: string;
  /** A sentence or a command. */
  readonly mend: string;
}

/** Files that a pit with sixteen workers has open, and as many again for the program around it. */
const OPEN_FILES = 512;

const PAGE_BYTES = 4096;

/** The whole report. */
export interface Diagnosis {
  readonly snakepit: string;
  readonly runtime: RuntimeInfo;
  readonly platform: string;
  /** Null when there is none. */
  readonly python: PythonState | null;
  /** Every place that was looked at for Python. */
  readonly looked: readonly string[];
  /** Empty when there is no Python, or when they are yet to be installed with the managed environment. */
  readonly packages: readonly PackageState[];
  readonly managed: {
    /** Whether workers run on it: nobody named another interpreter. */
    readonly used: boolean;
    /** Its interpreter; null when it has not been made. */
    readonly path: string | null;
    readonly cache: string;
  };
  /** Null stands for no limit, and for one that the system does not tell. */
  readonly limits: { readonly [name in keyof Limits]: number | null };
  /** Why large arrays go over the socket on this runtime; null where they go through memory that is shared with workers. */
  readonly socketOnly: string | null;
  readonly memory: MemoryLimits;
  readonly missing: readonly Missing[];
  /** Processes that programs which are gone have left running, in words. */
  readonly leftovers: readonly string[];
}

/** Looks at everything. `option` is the interpreter that the user named on the command line. */
export const diagnose = Effect.fnUntraced(function* (option: string | undefined) {
  const { named, looked } = search(option);
  const leftovers = (yield* (yield* registry).leftovers).map(leftoverMessage);
  const managed = (yield* findManaged)?.path ?? null;
  const allowed = yield* Effect.promise(limits);
  const tight = lackOf(allowed);
  const socketOnly = yield* Effect.promise(whyNotShared);
  const base = {
    snakepit: packageInfo().version,
    runtime: currentRuntime(),
    platform: `${process.platform} ${process.arch}`,
    looked,
    leftovers,
    limits: { openFiles: finite(allowed.openFiles), processes: finite(allowed.processes) },
    socketOnly,
    memory: memoryLimits(),
    managed: { used: named === undefined, path: managed, cache: cacheFolder() },
  };
  const healthy = (python: Interpreter, origin: Origin): Diagnosis => {
    const lacking = unmet(python.packages);
    const missing = lacking.map(({ name, atLeast }) => `${name} ${atLeast} or later`).join(", ");
    return {
      ...base,
      python: { path: python.command, version: python.version.join("."), origin },
      packages: requirements.map((requirement) => ({
        ...requirement,
        version: python.packages.get(requirement.name) ?? null,
        ok: !lacking.includes(requirement),
      })),
      missing: [...(lacking.length === 0 ? [] : [{ what: missing, mend: mendCommand(python, lacking) }]), ...tight],
    };
  };
  const broken = (error: EnvironmentFailed | PythonNotFound): Diagnosis => ({
    ...base,
    looked: error._tag === "PythonNotFound" ? error.looked : looked,
    python: null,
    packages: [],
    missing: [{ what: error.reason, mend: error.mend }, ...tight],
  });
  return yield* Effect.gen(function* () {
    if (named !== undefined) return healthy(yield* examine(named, looked), named.origin);
    const made = managed === null ? undefined : yield* probe(managed);
    if (made !== undefined && isInterpreter(made)) return healthy(made, "managed");
    const { executable, version } = (yield* findBase(looked)).base;
    return {
      ...base,
      python: { path: executable, version: version.join("."), origin: "managed" },
      packages: [],
      missing: tight,
    } satisfies Diagnosis;
  }).pipe(Effect.catch((error) => Effect.succeed(broken(error))));
}, Effect.scoped);

/** Maps a page of this process' own in the way in which those of workers are mapped. Gives what stands against it; null when it works. */
async function whyNotShared(): Promise<string | null> {
  const mapper = await memoryMapper();
  if (typeof mapper === "string") return mapper;
  try {
    await withPage((path) => mapper.map(path, PAGE_BYTES).unmap());
    return null;
  } catch (error) {
    return `memory of other processes cannot be mapped: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Runs this with the path in /proc of an open file of one page. */
async function withPage(use: (path: string) => void): Promise<void> {
  const { path, remove } = makePrivateFolder();
  try {
    const file = await open(join(path, "page"), "w+");
    try {
      await file.truncate(PAGE_BYTES);
      use(`/proc/self/fd/${file.fd}`);
    } finally {
      await file.close();
    }
  } finally {
    remove();
  }
}

function lackOf({ openFiles }: Limits): readonly Missing[] {
  if (openFiles === undefined || openFiles >= OPEN_FILES) return [];
  return [{ what: `room for ${OPEN_FILES} open files: the limit is ${openFiles}`, mend: `ulimit -n ${OPEN_FILES * 4}` }];
}

const finite = (value: number | undefined): number | null => (value === undefined || !Number.isFinite(value) ? null : value);
