/** Any order of starting, ending, dying and sweeping, by several hosts on one file, leaves exactly the rows of what is true. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Effect, Exit, Scope } from "effect";
import fc from "fast-check";
import type { ProcessInfo } from "../runtime/process-info.ts";
import { type HostEntry, openRegistry, type RecordedProcess, type RegisteredHost, type RegistryService } from "./registry.ts";
import type { System } from "./system.ts";

const HOSTS = 3;
const WORKERS = 3;

/** A machine whose processes are numbers. Ids are used again as soon as they are free. */
class Machine {
  readonly running = new Map<number, ProcessInfo & { readonly env: readonly string[] }>();
  #ticks = 0;

  spawn(env: readonly string[]): number {
    let pid = 1;
    while (this.running.has(pid)) pid++;
    this.running.set(pid, { pid, group: pid, startTime: String(++this.#ticks), ended: false, env });
    return pid;
  }

  seenBy(pid: number): System {
    return {
      machine: "machine",
      boot: "boot",
      pid,
      find: async (other) => this.running.get(other),
      startTimeAtOnce: (other) => this.running.get(other)?.startTime ?? "",
      list: async () => [...this.running.values()],
      hasEnvironment: async (other, variable) => this.running.get(other)?.env.includes(variable) ?? false,
      kill: (other) => this.running.delete(Math.abs(other)),
    };
  }
}

/** A host and what is true of it. */
interface Life {
  readonly run: string;
  readonly pid: number;
  readonly scope: Scope.Closeable;
  readonly registry: RegistryService;
  readonly host: RegisteredHost;
  readonly workers: Map<string, { readonly recorded: RecordedProcess; pid: number }>;
}

type Step = {
  readonly host: number;
  readonly worker: number;
  readonly what: "record" | "spawn" | "end" | "forget" | "die" | "sweep" | "close";
};

const step: fc.Arbitrary<Step> = fc.record({
  host: fc.nat(HOSTS - 1),
  worker: fc.nat(WORKERS - 1),
  what: fc.constantFrom("record", "record", "spawn", "spawn", "end", "forget", "die", "sweep", "close"),
});

async function play(steps: readonly Step[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "registry-property-"));
  const file = join(folder, "registry.sqlite");
  const machine = new Machine();
  const lives: (Life | undefined)[] = [];
  const scopes: Scope.Closeable[] = [];
  const ids = new Map<string, number>();
  let runs = 0;

  const open = async (): Promise<Life> => {
    const run = `run-${++runs}`;
    const pid = machine.spawn([]);
    const scope = Scope.makeUnsafe();
    scopes.push(scope);
    const registry = await Effect.runPromise(Scope.provide(openRegistry({ file, system: machine.seenBy(pid) }), scope));
    const host = await Effect.runPromise(Scope.provide(registry.host({ run, pools: [], admin } satisfies HostEntry), scope));
    return { run, pid, scope, registry, host, workers: new Map() };
  };
  const strangers = [machine.spawn([]), machine.spawn(["SNAKEPIT_RUN=another", "SNAKEPIT_WORKER=w0"])];

  try {
    for (const { host: index, worker, what } of steps) {
      lives[index] ??= await open();
      const life = lives[index];
      const id = `w${worker}`;
      const one = life.workers.get(id);
      switch (what) {
        case "record":
          if (one === undefined) life.workers.set(id, { recorded: life.host.record({ id, pool: "p", kind: "worker" }), pid: 0 });
          break;
        case "spawn":
          if (one === undefined || one.pid !== 0) break;
          one.pid = machine.spawn([`SNAKEPIT_RUN=${life.run}`, `SNAKEPIT_WORKER=${id}`]);
          ids.set(`${life.run} ${id}`, one.pid);
          // Every other time the host dies, as far as the file knows, before it has said the id.
          if (worker !== 0) one.recorded.started(one.pid);
          break;
        case "end":
          if (one !== undefined && one.pid !== 0) machine.running.delete(one.pid);
          break;
        case "forget":
          if (one === undefined) break;
          machine.running.delete(one.pid);
          one.recorded.forget();
          life.workers.delete(id);
          break;
        case "die":
          machine.running.delete(life.pid);
          lives[index] = undefined;
          break;
        case "sweep":
          await Effect.runPromise(life.registry.sweep);
          break;
        case "close":
          for (const { pid } of life.workers.values()) machine.running.delete(pid);
          machine.running.delete(life.pid);
          await Effect.runPromise(Scope.close(life.scope, Exit.void));
          lives[index] = undefined;
          break;
      }
    }
    const last = await open();
    await Effect.runPromise(last.registry.sweep);
    const alive = [...lives.filter((life) => life !== undefined), last];
    const rows = (await Effect.runPromise(last.registry.hosts)).map(({ run, pid, processes }) => [
      run,
      pid,
      processes.map((p) => p.id).toSorted(),
    ]);
    expect(rows.toSorted()).toEqual(alive.map(({ run, pid, workers }) => [run, pid, [...workers.keys()].toSorted()]).toSorted());
    // Nothing of the dead is left, and nothing else was touched.
    const expected = [...strangers, ...alive.flatMap(({ pid, workers }) => [pid, ...[...workers.values()].map((worker) => worker.pid)])];
    const allowed = new Set(expected);
    for (const pid of machine.running.keys()) expect(allowed).toContain(pid);
    for (const pid of strangers) expect(machine.running.has(pid)).toBeTrue();
  } finally {
    for (const scope of scopes) await Effect.runPromise(Scope.close(scope, Exit.void));
    rmSync(folder, { recursive: true, force: true });
  }
}

const admin = { workers: () => [], stats: () => ({}), health: () => ({}), sessions: () => [], kill: () => false, close() {} };

test("any order of events leaves the rows of the living, and none of the dead's processes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) => play(steps)),
    { numRuns: 60 },
  );
}, 60_000);
