/** What hosts that were killed leave behind is ended by the next one, and nothing else is. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Effect } from "effect";
import type { RegistryFile } from "../src/registry/file.ts";
import { RegistryFile as File, inodeOf } from "../src/registry/file.ts";
import type { HostRecord, ProcessRecord } from "../src/registry/records.ts";
import type { OpenHost } from "../src/registry/registry.ts";
import { type System, thisSystem } from "../src/registry/system.ts";
import { processInfo } from "../src/runtime/process-info.ts";
import { processesOf, temporaryFolder, until } from "./pool.support.ts";
import { endAll, hostsIn, idle, newRun, openIn, type runtimes, startHost, startMarked } from "./registry.support.ts";

const system = thisSystem();
afterAll(endAll);

/** Rows that a host which is gone has left: its pid belongs to this program, and its start time to nobody. */
const deadHost = (run: string, more: Partial<HostRecord> = {}): HostRecord => ({
  run,
  machine: system.machine,
  boot: system.boot,
  pid: process.pid,
  startTime: "1",
  socketPath: "",
  pools: ["main"],
  openedAt: Date.now(),
  ...more,
});
const recorded = (run: string, pid: number, startTime: string, more: Partial<ProcessRecord> = {}): ProcessRecord => ({
  run,
  id: "main-1",
  pool: "main",
  kind: "worker",
  pid,
  startTime,
  startedAt: Date.now(),
  ...more,
});

async function write(state: string, change: (file: RegistryFile) => void): Promise<void> {
  const path = join(state, "registry.sqlite");
  const file = await File.open(path, inodeOf(path));
  change(file);
  file.close();
}

const startTimeOf = async (pid: number): Promise<string> => (await processInfo(pid))?.startTime ?? "";
const isAlive = async (pid: number): Promise<boolean> => (await processInfo(pid))?.ended === false;

/** Ids that the next host ends, in the order they are found. */
async function sweptIn(state: string, on: System = system): Promise<readonly number[]> {
  await using registry = await openIn(state, { system: on });
  return (await registry.run(registry.sweep)).flatMap(({ targets }) => targets);
}

describe("what a host leaves behind when it is killed", () => {
  for (const runtime of ["bun", "node", "deno"] satisfies (keyof typeof runtimes)[]) {
    test(`is ended by the next one, with its group and what was never written down (${runtime})`, async () => {
      const state = temporaryFolder();
      const host = await startHost(state, ["leader", "family", "unknown"], runtime);
      // One of them is a child of a shell, which comes a moment later.
      await until(() => processesOf(host.run).length === 4);
      expect(await sweptIn(state)).toEqual([]);
      await host.kill();
      await until(() => processesOf(host.run).length === 4);
      expect(await sweptIn(state)).toEqual(host.pids.map((pid) => -pid));
      await until(() => processesOf(host.run).length === 0);
      expect(readdirSync(join(state, "admin"))).toEqual([]);
      expect(await hostsIn(state)).toEqual([]);
    }, 60_000);
  }

  test("is told, in words too, and once", async () => {
    const state = temporaryFolder();
    const host = await startHost(state, ["leader"]);
    await host.kill();
    await using registry = await openIn(state);
    expect(await registry.run(registry.leftovers)).toHaveLength(1);
    expect(registry.events).toEqual([]);
    await registry.run(registry.sweep);
    await registry.run(registry.sweep);
    expect(registry.events).toMatchObject([{ type: "swept", ended: [{ host: { pid: host.pid }, process: { pid: host.pids[0] } }] }]);
  });

  test("is ended too when the process itself has gone and only others of its group are left", async () => {
    const state = temporaryFolder();
    const run = newRun();
    const pid = await startMarked({ SNAKEPIT_RUN: run }, "sleep 600 & wait");
    await until(() => processesOf(run).length === 2);
    const [child = 0] = processesOf(run).filter((found) => found !== pid);
    const row = recorded(run, pid, await startTimeOf(pid));
    process.kill(pid, "SIGKILL");
    await until(() => !processesOf(run).includes(pid));
    await write(state, (file) => file.replace([{ host: deadHost(run), processes: [row] }], []));
    expect(await sweptIn(state)).toEqual([child]);
    await until(() => processesOf(run).length === 0);
  });

  test("is found when its host is a zombie that nobody has asked for its exit code", async () => {
    const state = temporaryFolder();
    const run = newRun();
    const worker = await startMarked({ SNAKEPIT_RUN: run });
    // A shell that has become something else never waits for its children.
    const parent = await startMarked({}, "true & exec sleep 600");
    const zombie = async () => (await system.list()).find(({ group, ended }) => group === parent && ended);
    await until(async () => (await zombie()) !== undefined);
    const { pid = 0, startTime = "" } = (await zombie()) ?? {};
    const process = recorded(run, worker, await startTimeOf(worker));
    await write(state, (file) => file.replace([{ host: deadHost(run, { pid, startTime }), processes: [process] }], []));
    expect(await sweptIn(state)).toEqual([-worker]);
  });
});

describe("a process is left alone", () => {
  const cases: Readonly<Record<string, (run: string, pid: number, startTime: string) => readonly [Partial<HostRecord>, ProcessRecord]>> = {
    "when it has the id of one that was written down, and another start time": (run, pid) => [{}, recorded(run, pid, "7")],
    "when its start time is not known, and it is another worker's": (run, pid) => [{}, recorded(run, pid, "", { id: "main-2" })],
    "when its run is another one": (_, pid, startTime) => {
      const other = newRun();
      return [{ run: other }, recorded(other, pid, startTime)];
    },
    "when its host lives": (run, pid, startTime) => [{ pid: process.ppid, startTime: "" }, recorded(run, pid, startTime)],
    "when it was written down on another machine": (run, pid, startTime) => [{ machine: "another" }, recorded(run, pid, startTime)],
    "when it was written down before the machine was started": (run, pid, startTime) => [{ boot: "before" }, recorded(run, pid, startTime)],
  };
  for (const [when, rows] of Object.entries(cases)) {
    test(when, async () => {
      const state = temporaryFolder();
      const run = newRun();
      const pid = await startMarked({ SNAKEPIT_RUN: run, SNAKEPIT_WORKER: "main-1" });
      const [host, row] = rows(run, pid, await startTimeOf(pid));
      await write(state, (file) => file.replace([{ host: deadHost(run, host), processes: [row] }], []));
      expect(await sweptIn(state)).toEqual([]);
      expect(await isAlive(pid)).toBeTrue();
    });
  }

  test("when it has the marker in its arguments only", async () => {
    const state = temporaryFolder();
    const run = newRun();
    const pid = await startMarked({}, `: SNAKEPIT_RUN=${run}; sleep 600`);
    const row = recorded(run, pid, await startTimeOf(pid));
    await write(state, (file) => file.replace([{ host: deadHost(run), processes: [row] }], []));
    expect(await sweptIn(state)).toEqual([]);
    expect(await isAlive(pid)).toBeTrue();
  });

  test("when a tool has started it and it has left the group: it was meant to stay", async () => {
    const state = temporaryFolder();
    const run = newRun();
    const daemon = await startMarked({ SNAKEPIT_RUN: run, SNAKEPIT_WORKER: "main-1" });
    const worker = await startMarked({ SNAKEPIT_RUN: run, SNAKEPIT_WORKER: "main-1" });
    const row = recorded(run, worker, await startTimeOf(worker));
    await write(state, (file) => file.replace([{ host: deadHost(run), processes: [row] }], []));
    expect(await sweptIn(state)).toEqual([-worker]);
    expect(await isAlive(daemon)).toBeTrue();
  });

  test("when it is the host that looks, or in its group", async () => {
    const state = temporaryFolder();
    const run = newRun();
    const pid = await startMarked({ SNAKEPIT_RUN: run });
    const row = recorded(run, pid, await startTimeOf(pid));
    await write(state, (file) => file.replace([{ host: deadHost(run), processes: [row] }], []));
    expect(await sweptIn(state, { ...system, pid })).toEqual([]);
    expect(await isAlive(pid)).toBeTrue();
  });
});

test("only the process itself is ended when it leads no group", async () => {
  const state = temporaryFolder();
  const run = newRun();
  const leader = await startMarked({}, `SNAKEPIT_RUN=${run} sleep 600 & wait`);
  await until(() => processesOf(run).length === 1);
  const [member = 0] = processesOf(run);
  const row = recorded(run, member, await startTimeOf(member));
  await write(state, (file) => file.replace([{ host: deadHost(run), processes: [row] }], []));
  expect(await sweptIn(state)).toEqual([member]);
  await until(() => processesOf(run).length === 0);
  // The shell ends because what it waited for has.
  await until(async () => !(await isAlive(leader)));
});

test("rows of another machine are kept for a month", async () => {
  const state = temporaryFolder();
  const [young, old] = [newRun(), newRun()];
  const days = (n: number) => Date.now() - n * 86_400_000;
  await write(state, (file) => {
    file.putHost(deadHost(young, { machine: "another", openedAt: days(29) }));
    file.putHost(deadHost(old, { machine: "another", openedAt: days(31) }));
  });
  await sweptIn(state);
  const runs: string[] = [];
  await write(state, (file) => runs.push(...file.hosts().map(({ run }) => run)));
  expect(runs).toEqual([young]);
});

test("a socket that is none, or not in a private folder, is not removed", async () => {
  const state = temporaryFolder();
  const [innocent, run] = [join(state, "registry.sqlite"), newRun()];
  await write(state, (file) => file.putHost(deadHost(run, { socketPath: innocent })));
  await sweptIn(state);
  expect(existsSync(innocent)).toBeTrue();
});

test("ten hosts at once share one file", async () => {
  const state = temporaryFolder();
  const hosts = await Promise.all(Array.from({ length: 10 }, () => startHost(state, ["leader", "leader"])));
  const runs = hosts.map(({ run }) => run).toSorted();
  let listed: readonly OpenHost[] = [];
  await until(async () => {
    listed = (await hostsIn(state)).filter(({ processes }) => processes.length === 2);
    return listed.length === 10;
  });
  expect(listed.map(({ run }) => run).toSorted()).toEqual(runs);
  await Promise.all(hosts.map((host) => host.kill()));
  const swept = await Promise.all(Array.from({ length: 10 }, () => sweptIn(state)));
  expect(new Set(swept.flat())).toEqual(new Set(hosts.flatMap(({ pids }) => pids.map((pid) => -pid))));
  expect(await hostsIn(state)).toEqual([]);
}, 60_000);

test("a host and its processes are there from the first moment to the last", async () => {
  const state = temporaryFolder();
  const run = newRun();
  {
    await using registry = await openIn(state);
    const host = await registry.run(registry.host({ run, pools: ["main", "gpu"], admin: idle }));
    const one = host.record({ id: "main-1", pool: "main", kind: "worker" });
    const two = host.record({ id: "gpu-f", pool: "gpu", kind: "fork server" });
    two.started(process.pid);
    const [found] = await hostsIn(state);
    // Oldest first, which in one millisecond is either.
    const processes = found?.processes.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect([{ ...found, processes }]).toMatchObject([
      {
        run,
        pid: process.pid,
        startTime: await startTimeOf(process.pid),
        pools: ["main", "gpu"],
        socketPath: join(state, "admin", `${run}.sock`),
        processes: [
          { id: "gpu-f", kind: "fork server", pid: process.pid, startTime: await startTimeOf(process.pid) },
          { id: "main-1", kind: "worker", pid: 0, startTime: "" },
        ],
      },
    ]);
    one.forget();
    one.started(process.pid);
    expect((await hostsIn(state))[0]?.processes.map(({ id }) => id)).toEqual(["gpu-f"]);
  }
  expect(await hostsIn(state)).toEqual([]);
  expect(existsSync(join(state, "admin", `${run}.sock`))).toBeFalse();
});

test("what Effect programs get is the same as a service", async () => {
  const { Registry } = await import("../src/registry/registry.ts");
  const program = Registry.use(({ hosts }) => hosts).pipe(Effect.provide(Registry.layer({ file: join(temporaryFolder(), "r.sqlite") })));
  expect(await Effect.runPromise(program)).toEqual([]);
});
