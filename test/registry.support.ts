/** What the tests of the registry share: hosts as programs of their own, registries in folders of their own. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Effect, Exit, Scope } from "effect";
import type { AdminHandlers } from "../src/registry/admin.ts";
import { type OpenHost, openRegistry, type RegistryEvent, type RegistryOptions, type RegistryService } from "../src/registry/registry.ts";
import { processesOf } from "./pool.support.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
/** What npm calls a runtime may be a script that starts it; signals are for the program itself. */
const path = (name: string, ...code: string[]): string => spawnSync(bin(name), code, { encoding: "utf8" }).stdout.trim();

/** How to run a program on each runtime. */
export const runtimes = {
  bun: [path("bun", "-e", "console.log(process.execPath)")],
  node: [path("node", "-p", "process.execPath"), "--no-warnings"],
  deno: [path("deno", "eval", "console.log(Deno.execPath())"), "run", "-A", "--quiet", "--no-lock"],
} as const;

const children: ChildProcess[] = [];
const runs: string[] = [];

/** Ends what the tests have started. */
export function endAll(): void {
  for (const { pid, exitCode, signalCode } of children) if (pid !== undefined && exitCode === null && signalCode === null) kill(-pid);
  for (const run of runs) for (const pid of processesOf(run)) kill(pid);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone by itself.
  }
}

/** A host, as a program of its own. */
export interface Host {
  readonly run: string;
  readonly pid: number;
  /** Its processes. */
  readonly pids: readonly number[];
  /** Resolves when it has ended. */
  readonly exited: Promise<unknown>;
  /** Ends it by SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a host with processes of these kinds; test/programs/registered-host.ts says which there are. */
export async function startHost(state: string, kinds: readonly string[], runtime: keyof typeof runtimes = "bun"): Promise<Host> {
  const [command, ...args] = runtimes[runtime];
  const child = spawn(command, [...args, join(root, "test", "programs", "registered-host.ts"), ...kinds], {
    env: { ...process.env, SNAKEPIT_STATE: state },
    detached: true,
    stdio: ["ignore", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = await once(createInterface(child.stdout), "line");
  const { run, pids } = JSON.parse(line);
  runs.push(run);
  const exited = once(child, "exit");
  return {
    run,
    pids,
    exited,
    pid: child.pid ?? 0,
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Starts a process that leads its own group and has this in its environment. It ends with the tests. */
export async function startMarked(env: Readonly<Record<string, string>>, script = "exec sleep 600"): Promise<number> {
  const child = spawn("/bin/sh", ["-c", `echo started; ${script}`], {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    env: { PATH: process.env["PATH"], ...env },
  });
  children.push(child);
  const { pid = 0 } = child;
  await once(child.stdout, "data");
  return pid;
}

/** Answers nothing of interest. */
export const idle: AdminHandlers = {
  workers: () => [],
  stats: () => ({}),
  health: () => ({}),
  sessions: () => [],
  kill: () => false,
  close() {},
};

/** A registry that is open. */
export interface Opened extends RegistryService, AsyncDisposable {
  readonly events: readonly RegistryEvent[];
  readonly run: <A>(effect: Effect.Effect<A, never, Scope.Scope>) => Promise<A>;
}

/** Opens the registry of a folder. */
export async function openIn(state: string, options: Omit<RegistryOptions, "file" | "onEvent"> = {}): Promise<Opened> {
  const scope = Scope.makeUnsafe();
  const events: RegistryEvent[] = [];
  const run = <A>(effect: Effect.Effect<A, never, Scope.Scope>): Promise<A> => Effect.runPromise(Scope.provide(effect, scope));
  const registry = await run(openRegistry({ ...options, file: join(state, "registry.sqlite"), onEvent: (event) => events.push(event) }));
  return { ...registry, events, run, [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void)) };
}

/** The open hosts that anybody finds in a folder. */
export async function hostsIn(state: string): Promise<readonly OpenHost[]> {
  await using registry = await openIn(state);
  return await registry.run(registry.hosts);
}

/** A run marker. */
export const newRun = (): string => {
  const run = randomUUID();
  runs.push(run);
  return run;
};
