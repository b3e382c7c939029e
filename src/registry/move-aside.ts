/** Makes room for a new file where there is a damaged one. */
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { inodeOf } from "./file.ts";

/** Whoever makes room has done so after this time, in milliseconds. */
const LOCK_MS = 2_000;

/**
 * Moves a damaged file aside, with what SQLite keeps beside it. Answers its new path; undefined when another program has done so or is at it.
 *
 * @param inode Which file was found damaged: another program may have made a new one since.
 * @throws The system's error when it may not be moved.
 */
export function moveAside(path: string, inode: number | undefined, now: number): string | undefined {
  const lock = `${path}.lock`;
  if (!acquire(lock, now)) return undefined;
  try {
    if (inodeOf(path) !== inode) return undefined;
    const aside = `${path}.corrupt-${new Date(now).toISOString().replaceAll(/[:.]/g, "-")}`;
    // Its log goes first: a new file would take it for its own.
    for (const suffix of ["-wal", "-shm", ""]) if (existsSync(path + suffix)) renameSync(path + suffix, aside + suffix);
    return aside;
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Only one program makes the folder. One that was killed in between has left it. */
function acquire(lock: string, now: number): boolean {
  try {
    mkdirSync(lock);
    return true;
  } catch (error) {
    const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
    if (made === undefined && !(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    if (made !== undefined && now - made > LOCK_MS) rmSync(lock, { recursive: true, force: true });
    return false;
  }
}
