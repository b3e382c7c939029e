/** The private folder of one worker, where its socket is while the two sides meet. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, type Scope } from "effect";

/** Longest path a socket may have, in bytes: 108 on Linux and 104 on macOS, less the zero at the end and some room. */
const MAX_SOCKET_PATH = 100;

/** A folder that nobody else may enter, and the path of the socket in it. */
export interface PrivateFolder {
  readonly path: string;
  readonly socketPath: string;
  /** Removes it. A second time does nothing. */
  remove(): void;
}

/** Makes a private folder (mode 0700) in the system's folder for temporary files, or in /tmp where that path is too long for a socket. */
function makeFolder(): PrivateFolder {
  const suffix = "/snakepit-XXXXXX/s";
  const parent = Buffer.byteLength(tmpdir()) + suffix.length <= MAX_SOCKET_PATH ? tmpdir() : "/tmp";
  // mkdtemp makes it with mode 0700.
  const path = mkdtempSync(join(parent, "snakepit-"));
  return { path, socketPath: join(path, "s"), remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A private folder that is removed with its scope. Fails with the system's error when none can be made. */
export const privateFolder: Effect.Effect<PrivateFolder, unknown, Scope.Scope> = Effect.acquireRelease(
  Effect.try({ try: makeFolder, catch: (error) => error }),
  (folder) => Effect.sync(() => folder.remove()),
);
