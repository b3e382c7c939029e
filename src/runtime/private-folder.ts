/** A private folder for a socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Longest path a socket may have, in bytes: 108 on Linux and 104 on macOS, less the zero at the end and some room. */
const MAX_SOCKET_PATH = 100;

/** Whether a socket may have this path. */
export const fitsSocketPath = (path: string): boolean => Buffer.byteLength(path) <= MAX_SOCKET_PATH;

/** A folder that nobody else may enter, and the path of the socket in it. */
export interface PrivateFolder {
  readonly path: string;
  readonly socketPath: string;
  /** Removes it. A second time does nothing. */
  remove(): void;
}

/**
 * Makes a private folder (mode 0700) in the system's folder for temporary files, or in /tmp where that path is too long for a socket.
 *
 * @throws The system's error when none can be made.
 */
export function makePrivateFolder(): PrivateFolder {
  const parent = fitsSocketPath(join(tmpdir(), "snakepit-XXXXXX", "s")) ? tmpdir() : "/tmp";
  // mkdtemp makes it with mode 0700.
  const path = mkdtempSync(join(parent, "snakepit-"));
  return { path, socketPath: join(path, "s"), remove: () => rmSync(path, { recursive: true, force: true }) };
}
