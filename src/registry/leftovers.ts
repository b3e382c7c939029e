/**
 * What hosts that are gone have left running.
 *
 * A process is taken for a leftover only when its environment has the run marker of such a host, and it is one that the host has started: its pid and
 * start time stand in the registry, or its worker's name does where the host died before it knew them. Processes that its tools have started count as far
 * as they are still in its group.
 */
import type { ProcessInfo } from "../runtime/process-info.ts";
import type { HostRecord, ProcessRecord } from "./records.ts";
import type { System } from "./system.ts";

/** A process that a host has left behind, or what is left of its group. */
export interface Leftover {
  readonly host: HostRecord;
  readonly process: ProcessRecord;
  /** Ids of processes; of a whole group where negative. */
  readonly targets: readonly number[];
}

/** Whether a host is gone. Of another machine's that is not known, and not of another container's. */
export async function isGone(host: HostRecord, system: System): Promise<boolean> {
  if (host.machine !== system.machine) return false;
  if (host.boot !== system.boot) return true;
  const found = await system.find(host.pid);
  return found === undefined || found.ended || (host.startTime !== "" && found.startTime !== host.startTime);
}

/** Finds what a host that is gone has left. */
export async function leftoversOf(host: HostRecord, processes: readonly ProcessRecord[], system: System): Promise<readonly Leftover[]> {
  if (processes.length === 0 || host.boot !== system.boot || host.machine !== system.machine) return [];
  return (await findTargets(host.run, processes, system)).map((found) => ({ host, ...found }));
}

/** Finds those of a run's processes that are still there, or something of their groups. */
export async function findTargets(
  run: string,
  processes: readonly ProcessRecord[],
  system: System,
): Promise<readonly Omit<Leftover, "host">[]> {
  const listed = await system.list();
  const running = listed.filter(({ ended }) => !ended);
  // A host may run inside a worker of another one, and is not to end itself.
  const own = running.find(({ pid }) => pid === system.pid)?.group;
  const marked = await keep(
    running.filter(({ pid, group }) => pid !== system.pid && group !== own),
    ({ pid }) => system.hasEnvironment(pid, `SNAKEPIT_RUN=${run}`),
  );
  const found = await Promise.all(
    processes.map(async (process) => ({ process, targets: await targetsOf(process, listed, marked, system) })),
  );
  return found.filter(({ targets }) => targets.length > 0);
}

/** What to send a signal to, among the processes that have the marker. */
async function targetsOf(
  process: ProcessRecord,
  listed: readonly ProcessInfo[],
  marked: readonly ProcessInfo[],
  system: System,
): Promise<readonly number[]> {
  const found =
    process.startTime === ""
      ? await keep(marked, ({ pid }) => system.hasEnvironment(pid, `SNAKEPIT_WORKER=${process.id}`))
      : marked.filter(({ pid, startTime }) => pid === process.pid && startTime === process.startTime);
  if (found.length > 0) return found.map(({ pid, group }) => (pid === group ? -pid : pid));
  // It has ended, or never was. As long as its group has members no other process gets its id, so one that has it is the end of this.
  const namesake = listed.find(({ pid }) => pid === process.pid);
  if (process.pid === 0 || (namesake !== undefined && namesake.startTime !== process.startTime)) return [];
  return marked.filter(({ group }) => group === process.pid).map(({ pid }) => pid);
}

async function keep<T>(items: readonly T[], isWanted: (item: T) => Promise<boolean>): Promise<readonly T[]> {
  const wanted = await Promise.all(items.map(isWanted));
  return items.filter((_, index) => wanted[index]);
}
