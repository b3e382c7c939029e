/** Control groups (cgroup version 2) of this program's own, one for each worker, which the kernel can end as a whole. */
import { randomUUID } from "node:crypto";
import { access, constants, mkdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** How often, and how many times, it is tried to remove a group whose processes are being killed, in milliseconds. */
const LOOK_MS = 10;
const LOOKS = 100;

/** Where control groups can be made. */
export interface ControlGroups {
  /** Makes one. Rejects with the system's own error. */
  make(): Promise<ControlGroup>;
}

/** A control group that may hold processes. */
export interface ControlGroup {
  /** Its folder. */
  readonly path: string;
  /** Kills what is in it and removes it. Does nothing when it is gone; never rejects. */
  end(): Promise<void>;
}

/** The control groups that this program may make; what is missing, in words, where it may make none. */
export async function findControlGroups(): Promise<ControlGroups | { readonly missing: string }> {
  const own = ownGroup(await text("/proc/self/mountinfo"), await text("/proc/self/cgroup"));
  return own === undefined ? { missing: "no cgroup of version 2 is mounted" } : await controlGroupsIn(own);
}

/** The same below a group, which is that of this program. */
export async function controlGroupsIn(own: string): Promise<ControlGroups | { readonly missing: string }> {
  const groups: ControlGroups = {
    async make() {
      const path = join(own, `snakepit-${randomUUID()}`);
      await mkdir(path);
      return { path, end: () => end(path) };
    },
  };
  try {
    // Moving a process into a group below takes this right.
    await access(join(own, "cgroup.procs"), constants.W_OK);
    const trial = await groups.make();
    try {
      await access(join(trial.path, "cgroup.kill"), constants.W_OK);
    } catch {
      return { missing: "the kernel knows no cgroup.kill, which came with Linux 5.14" };
    } finally {
      await rmdir(trial.path);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { missing: `the cgroup ${own} is not delegated to this program, such as by Delegate=yes in a systemd unit (${why})` };
  }
  return groups;
}

/** The folder of the group that a process is in, from its `mountinfo` and its `cgroup`. */
export function ownGroup(mounts: string, groups: string): string | undefined {
  const path = /^0::(.*)$/m.exec(groups)?.[1];
  if (path === undefined) return undefined;
  for (const line of mounts.split("\n")) {
    const [fields = "", rest = ""] = line.split(" - ");
    const [, , , root, mounted] = fields.split(" ");
    if (!rest.startsWith("cgroup2 ") || root === undefined || mounted === undefined) continue;
    const below = relative(root, path);
    if (!below.startsWith("..")) return join(mounted, below);
  }
  return undefined;
}

async function end(path: string): Promise<void> {
  try {
    await writeFile(join(path, "cgroup.kill"), "1");
  } catch {
    // Its guardian has removed it, as it mostly has.
    return;
  }
  for (let look = 0; look < LOOKS; look++) {
    try {
      return await rmdir(path);
    } catch {
      // What was in it has yet to end, and nobody says when it has.
      await sleep(LOOK_MS);
    }
  }
}

async function text(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return "";
  }
}
