/**
 * The Adapter interface: one kind of worker. Python is the first; others start JavaScript, any command, or reach workers that run elsewhere.
 *
 * An adapter prepares once a pool (finds the interpreter, makes its environment) and gives a {@link Launch}, from which the pool makes as many
 * workers as it needs, also after crashes.
 */
import type { Effect, Scope } from "effect";
import { InvalidOptions, type SnakepitError } from "../errors/index.ts";
import type { RegisteredHost } from "../registry/registry.ts";
import type { Launch } from "../worker/launch.ts";
import type { Containment } from "./containment.ts";

/** What a fork server imports before it forks workers off: the tools themselves, or modules by name. */
export type Preload = "tools" | readonly string[];

/** What an adapter may use to prepare. */
export interface PrepareOptions {
  /** Name of the pool, for messages. */
  readonly pool: string;
  /** The interpreter that the user asked for; undefined means: find one. */
  readonly python: string | undefined;
  /** What workers are to share, where they can be forked; undefined for workers that each import for themselves. */
  readonly preload: Preload | undefined;
  /** What is to end with a worker. Default "group". An adapter that cannot see to it fails with InvalidOptions. */
  readonly containment?: Containment | undefined;
  /** Writes down a process that is about to be started and is no worker, which the pool sees to. Default: nobody does. */
  readonly record?: RegisteredHost["record"] | undefined;
  /** Hears what takes time, one sentence each, such as "Making the Python environment". Not called when nothing takes time. */
  onProgress(step: string): void;
}

/** One kind of worker. */
export interface Adapter {
  /** What it is called in messages, such as "python". */
  readonly name: string;
  /** Whether its workers can stream. A streaming call of one that cannot fails with StreamingNotSupported. */
  readonly streaming: boolean;
  /**
   * Does what has to be done once before workers can start. What it leaves running ends with the scope, which closes after the last worker has ended. Fails
   * with PythonNotFound, EnvironmentFailed or InvalidOptions.
   */
  prepare(options: PrepareOptions): Effect.Effect<Launch, SnakepitError, Scope.Scope>;
}

const parts = { name: "string", streaming: "boolean", prepare: "function" } as const satisfies Record<keyof Adapter, string>;

/** Gives `x` back as an adapter, or throws InvalidOptions that names the parts it lacks. */
export function validateAdapter(x: unknown): Adapter {
  const given: object = typeof x === "object" && x !== null ? x : {};
  const missing = Object.entries(parts)
    .filter(([part, type]) => typeof Reflect.get(given, part) !== type)
    .map(([part, type]) => `${part} (a ${type})`);
  if (missing.length > 0)
    throw new InvalidOptions({ option: "adapter", expected: `an adapter; what was given lacks ${missing.join(", ")}` });
  // Every part was looked at just above.
  return given as Adapter;
}
