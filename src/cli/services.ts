/**
 * What effect/cli wants of the platform. Our commands read no files and ask nothing through it, so what effect itself ships is enough and
 * no platform package is needed.
 */
import { Effect, FileSystem, Layer, Path, Queue, Stdio, Terminal } from "effect";
import { ChildProcessSpawner } from "effect/process";

const columns = process.stdout.columns ?? 80;
const rows = process.stdout.rows ?? 24;

/** Paths stay as they were written: one that is not there may be a module path, and messages name what somebody has typed. */
const asWritten = (...parts: readonly string[]): string => parts.at(-1) ?? "";

/** The environment of effect/cli. */
export const services = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Layer.effect(Path.Path, Path.Path.pipe(Effect.map((path) => ({ ...path, resolve: asWritten })))).pipe(Layer.provide(Path.layer)),
  Stdio.layerTest({
    stdinIsTerminal: Effect.sync(() => process.stdin.isTTY === true),
    stdoutIsTerminal: Effect.sync(() => process.stdout.isTTY === true),
    stderrIsTerminal: Effect.sync(() => process.stderr.isTTY === true),
  }),
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(columns),
      rows: Effect.succeed(rows),
      size: Queue.bounded(1),
      readInput: Queue.bounded(1),
      readLine: Effect.fail(new Terminal.QuitError()),
      display: (text) => Effect.sync(() => void process.stdout.write(text)),
    }),
  ),
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => Effect.die(new Error("The command line starts no processes this way."))),
  ),
);
