/**
 * The registry: a durable record of every process that a pit starts, shared by all programs of a user.
 *
 * It is the last of several means against processes that outlive their host, for where the kernel's are missing or did not work. It is never in the way:
 * nothing here fails, and without a file that can be written pits work as they do with one.
 *
 * A host's row is there before its first process, and a process' row before the process: `record` comes before the spawn, its id and start time right
 * after. A host that dies in between leaves a row without an id, and the process is found by what stands in its environment.
 */
import { dirname } from "node:path";
import { Context, Effect, Layer, type Scope } from "effect";
import type { AdminHandlers } from "./admin.ts";
import { serveAdmin } from "./admin-server.ts";
import { DurableRecord } from "./durable-record.ts";
import { findTargets, isGone, type Leftover, leftoversOf } from "./leftovers.ts";
import { registryFile } from "./place.ts";
import type { HostRecord, ProcessKind, ProcessRecord } from "./records.ts";
import { removeSocket } from "./socket-folder.ts";
import { type System, thisSystem } from "./system.ts";

/** What happens to the registry, for the log. */
export type RegistryEvent =
  /** It cannot be used; told once. */
  | { readonly type: "unavailable"; readonly file: string; readonly reason: string }
  /** The file was damaged and moved aside. */
  | { readonly type: "damaged"; readonly file: string; readonly movedTo: string }
  /** Processes that hosts had left behind were killed. */
  | { readonly type: "swept"; readonly ended: readonly Leftover[] };

/** Where the registry is, and who hears of it. */
export interface RegistryOptions {
  /** Its file. Default: `registry.sqlite` in SNAKEPIT_STATE, or in the user's state folder. */
  readonly file?: string;
  /** Whether to leave the file as it is: it is not made where there is none, and not moved aside when it is damaged. Default: false. */
  readonly existing?: boolean;
  /** Hears what happens to it. Must not throw. */
  readonly onEvent?: (event: RegistryEvent) => void;
  /** The system to ask. Default: the one this program runs on. */
  readonly system?: System;
}

/** A pit, as it registers. */
export interface HostEntry {
  /** The run marker: SNAKEPIT_RUN in the environment of whatever it starts. */
  readonly run: string;
  readonly pools: readonly string[];
  /** What it does when it is asked on its admin socket. */
  readonly admin: AdminHandlers;
}

/** A process that is about to be started. */
export interface ProcessEntry {
  /** Its name within the run: the worker's id. It has to stand in its environment as SNAKEPIT_WORKER. */
  readonly id: string;
  readonly pool: string;
  readonly kind: ProcessKind;
}

/** The record of a process. */
export interface RecordedProcess {
  /** It runs and has this id. Call it in the turn of the spawn. */
  started(pid: number): void;
  /** It has ended, or could not be started. */
  forget(): void;
}

/** A pit that is registered. */
export interface RegisteredHost {
  /** Writes down a process. Call it right before the spawn. */
  record(entry: ProcessEntry): RecordedProcess;
}

/** What the registry offers. Nothing of it fails. */
export interface RegistryService {
  /** Registers a pit; it is taken out with its scope. */
  host(entry: HostEntry): Effect.Effect<RegisteredHost, never, Scope.Scope>;
  /** Every pit that is open, oldest first, with the processes it has started. */
  readonly hosts: Effect.Effect<readonly OpenHost[]>;
  /** Kills one process with its group, after its identity was verified. Gives whether there was one to kill. */
  kill(process: ProcessRecord): Effect.Effect<boolean>;
  /** What hosts that are gone have left running. */
  readonly leftovers: Effect.Effect<readonly Leftover[]>;
  /** Kills what hosts that are gone have left, removes their sockets and forgets them. Gives what it killed. Runs beside everything else. */
  readonly sweep: Effect.Effect<readonly Leftover[]>;
}

/** A pit that is open, and its processes. */
export interface OpenHost extends HostRecord {
  readonly processes: readonly ProcessRecord[];
}

/** The registry as a service. */
export class Registry extends Context.Service<Registry, RegistryService>()("snakepit/registry/Registry") {
  /** Opens the registry, and closes it with the layer's scope. */
  static readonly layer = (options: RegistryOptions = {}): Layer.Layer<Registry> => Layer.effect(Registry, openRegistry(options));
}

/** What of other machines and containers has been there for this long is forgotten, in milliseconds: 30 days. */
const FOREIGN_MS = 30 * 86_400_000;

/** Opens the registry until the scope closes. */
export const openRegistry: (options?: RegistryOptions) => Effect.Effect<RegistryService, never, Scope.Scope> = Effect.fnUntraced(function* (
  options = {},
) {
  const { file = registryFile(), existing = false, onEvent = () => {}, system = thisSystem() } = options;
  const record = yield* Effect.acquireRelease(
    Effect.promise(() =>
      DurableRecord.open(file, existing, {
        onUnavailable: (reason) => onEvent({ type: "unavailable", file, reason }),
        onDamaged: (movedTo) => onEvent({ type: "damaged", file, movedTo }),
      }),
    ),
    (record) => Effect.promise(() => record.close()),
  );
  const own = (yield* Effect.promise(() => system.find(system.pid)))?.startTime ?? "";
  const split = async (): Promise<{ readonly open: readonly HostRecord[]; readonly gone: readonly HostRecord[] }> => {
    await record.settle();
    const hosts = record.use((open) => open.hosts()) ?? [];
    const gone = await Promise.all(hosts.map((host) => isGone(host, system)));
    return { open: hosts.filter((_, index) => !gone[index]), gone: hosts.filter((_, index) => gone[index]) };
  };
  const leftBy = (host: HostRecord): Promise<readonly Leftover[]> =>
    leftoversOf(host, record.use((open) => open.processes(host.run)) ?? [], system);

  return {
    host: Effect.fnUntraced(function* ({ run, pools, admin }: HostEntry) {
      const socketPath = yield* serveAdmin(admin, dirname(file), run);
      const { machine, boot, pid } = system;
      yield* Effect.acquireRelease(
        Effect.sync(() => record.putHost({ run, machine, boot, pid, startTime: own, socketPath, pools, openedAt: Date.now() })),
        () => Effect.sync(() => record.removeHost(run)),
      );
      return { record: (process: ProcessEntry) => recordProcess(record, system, run, process) };
    }),
    hosts: Effect.promise(async () =>
      (await split()).open
        .filter(({ machine }) => machine === system.machine)
        .map((host) => ({ ...host, processes: record.use((open) => open.processes(host.run)) ?? [] })),
    ),
    kill: (process) =>
      Effect.promise(async () => (await findTargets(process.run, [process], system)).some(({ targets }) => killAll(targets, system))),
    leftovers: Effect.promise(async () => (await Promise.all((await split()).gone.map(leftBy))).flat()),
    sweep: Effect.promise(async () => {
      const ended: Leftover[] = [];
      const { open, gone } = await split();
      for (const host of gone) {
        for (const leftover of await leftBy(host)) if (killAll(leftover.targets, system)) ended.push(leftover);
        removeSocket(host.socketPath);
        record.use((file) => file.removeHost(host.run));
      }
      for (const { run, machine, openedAt } of open) {
        if (machine !== system.machine && Date.now() - openedAt > FOREIGN_MS) record.use((file) => file.removeHost(run));
      }
      if (ended.length > 0) onEvent({ type: "swept", ended });
      return ended;
    }),
  };
});

/** Sends SIGKILL to all of them. Answers whether any was there. */
const killAll = (targets: readonly number[], system: System): boolean => targets.map((pid) => system.kill(pid)).includes(true);

function recordProcess(record: DurableRecord, system: System, run: string, entry: ProcessEntry): RecordedProcess {
  let row: ProcessRecord = { ...entry, run, pid: 0, startTime: "", startedAt: Date.now() };
  let forgotten = false;
  const put = (startTime: string): void => {
    if (forgotten) return;
    row = { ...row, startTime };
    record.putProcess(row);
  };
  record.putProcess(row);
  return {
    started(pid) {
      const startTime = system.startTimeAtOnce(pid);
      row = { ...row, pid };
      put(startTime);
      if (startTime === "") void system.find(pid).then((found) => put(found?.startTime ?? ""));
    },
    forget() {
      forgotten = true;
      record.removeProcess(row);
    },
  };
}
