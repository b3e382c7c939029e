/**
 * One set-up at a time, also when one is killed.
 *
 * Locks are numbered files, made with `link`, which one contender wins. The one with the highest number counts; it is free when its process is gone, and
 * then whoever makes the next number holds it. A file is removed by its living owner alone: removing those of the dead, as a lock of one name must, lets two
 * contenders that both saw a dead owner remove each other's.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { identityOf, livingPid } from "./process-identity.mjs";
import { folder } from "./stamps.mjs";

const LOOK_EVERY_MS = 100;

const pathOf = (number) => join(folder, `lock.${number}`);

/** The process that holds a lock, "nobody" when it died with it, "gone" when it gave it back just now. */
function ownerOf(number) {
  try {
    return livingPid(readFileSync(pathOf(number), "utf8")) ?? "nobody";
  } catch {
    return "gone";
  }
}

/** Waits until this process holds the lock. `onWait(pid)` is called once if another one holds it. Resolves with what gives it back. */
export async function acquireLock(onWait) {
  mkdirSync(folder, { recursive: true });
  const mine = join(folder, `contender.${process.pid}`);
  writeFileSync(mine, identityOf(process.pid));
  try {
    for (let told = false; ; await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))) {
      const numbers = readdirSync(folder).flatMap((name) => (name.startsWith("lock.") ? [Number(name.slice(5))] : []));
      const highest = Math.max(0, ...numbers);
      const owner = highest > 0 ? ownerOf(highest) : "nobody";
      if (owner === "gone") continue;
      if (owner === "nobody") {
        try {
          linkSync(mine, pathOf(highest + 1));
          return () => rmSync(pathOf(highest + 1), { force: true });
        } catch (error) {
          if (error.code !== "EEXIST") throw error;
        }
      } else if (!told) {
        told = true;
        onWait(owner);
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}
