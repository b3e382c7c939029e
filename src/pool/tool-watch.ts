/** Watches files of tools for changes, for pools that reload by themselves. */
import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, isAbsolute } from "node:path";
import { Effect, type Scope } from "effect";

/** For how long nothing may change before it counts as one change, in milliseconds: editors write a file in several steps. */
const SETTLE_MS = 100;

/** Who hears of it. */
export interface ToolWatchEvents {
  /** These files have changed, and nothing more does. */
  onChange(files: readonly string[]): void;
  /** A folder cannot be watched, and why. */
  onBlind(folder: string, reason: string): void;
}

/**
 * Watches the folders that `tools` lie in, until the scope closes: every Python file there, because tools import what lies beside them. Modules, which are
 * named and not given as a file, are not watched. Folders and not files, because editors put another file in the place of the old one.
 */
export const watchTools = (tools: readonly string[], events: ToolWatchEvents): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.sync(() => open(tools, events)),
      (close) => Effect.sync(close),
    ),
  );

function open(tools: readonly string[], events: ToolWatchEvents): () => void {
  const changed = new Set<string>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const settle = (): void => {
    const files = [...changed];
    changed.clear();
    events.onChange(files);
  };
  const folders = new Set(tools.filter((tool) => isAbsolute(tool)).map((tool) => dirname(tool)));
  const watchers = Array.from(folders, (folder): FSWatcher | undefined => {
    const blind = (error: unknown): void => events.onBlind(folder, error instanceof Error ? error.message : String(error));
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || !name.endsWith(".py")) return;
        changed.add(basename(name));
        clearTimeout(timer);
        timer = setTimeout(settle, SETTLE_MS);
      });
      watcher.on("error", blind);
      return watcher;
    } catch (error) {
      blind(error);
      return undefined;
    }
  });
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher?.close();
  };
}
