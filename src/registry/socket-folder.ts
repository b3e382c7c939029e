/** Removing an admin socket: the host's own, or one that a host which was killed has left. */
import { lstatSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname } from "node:path";

/** Removes a socket, if it is what a host makes: a socket in a private folder of this user's. A folder that was made for it goes with it. */
export function removeSocket(path: string): void {
  if (path === "") return;
  const folder = dirname(path);
  try {
    const { mode, uid } = lstatSync(folder);
    const isPrivate = (mode & 0o777) === 0o700 && uid === process.getuid?.();
    if (!isPrivate) return;
    // A server that closes removes its socket by itself.
    if (lstatSync(path, { throwIfNoEntry: false })?.isSocket()) unlinkSync(path);
    if (basename(folder).startsWith("snakepit-")) rmdirSync(folder);
  } catch {
    // It is gone, or not ours to remove.
  }
}
