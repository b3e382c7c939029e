/**
 * One set-up at a time, also when one is killed.
 *
 * Locks are numbered files, made with `link`, which one contender wins. The one with the highest number counts; it is free when its process is gone, and
 * then whoever makes the next number holds it. A file is removed by its living owner alone: removing those of the dead, as a lock of one name must, lets two
 * contenders that both saw a dead owner remove each other's.
 */
import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folder } from "./stamps.mjs";

const LOOK_EVERY_MS = 100;

/** When a process started, as the system writes it; undefined when there is none. With the pid it identifies a process. */
function startedAt(pid) {
  try {
    if (process.platform === "linux") {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
    }
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim() || undefined;
  } catch {
    return undefined;
  }
}

const pathOf = (number) => join(folder, `lock.${number}`);

function ownerOf(number) {
  try {
    const [pid, started] = readFileSync(pathOf(number), "utf8").split("\n");
    return startedAt(pid) === started ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** Waits until this process holds the lock. `onWait(pid)` is called once if another one holds it. Resolves with what gives it back. */
export async function acquireLock(onWait) {
  mkdirSync(folder, { recursive: true });
  const mine = join(folder, `contender.${process.pid}`);
  writeFileSync(mine, `${process.pid}\n${startedAt(process.pid)}`);
  try {
    for (let told = false; ; await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))) {
      const numbers = readdirSync(folder).flatMap((name) => (name.startsWith("lock.") ? [Number(name.slice(5))] : []));
      const highest = Math.max(0, ...numbers);
      const owner = highest > 0 ? ownerOf(highest) : undefined;
      if (owner === undefined) {
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
