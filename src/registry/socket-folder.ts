/** The socket that a host which was killed has left. */
import { lstatSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname } from "node:path";

/** Removes a socket and its folder, if they are what a host makes: a socket of ours, alone in a private folder. */
export function removeSocket(path: string): void {
  if (path === "") return;
  const folder = dirname(path);
  try {
    const { mode, uid } = lstatSync(folder);
    const isPrivate = (mode & 0o777) === 0o700 && uid === process.getuid?.();
    if (!isPrivate || !basename(folder).startsWith("snakepit-") || !lstatSync(path).isSocket()) return;
    unlinkSync(path);
    rmdirSync(folder);
  } catch {
    // It is gone, or not ours to remove.
  }
}
