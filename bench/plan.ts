/** What is run in a round, and how much each run does. */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Effort } from "./measure.ts";

export type Runtime = "bun" | "node" | "deno";

/** One process of one round. */
export interface Task {
  /** Whose figures it gives. */
  readonly system: string;
  readonly runtime: Runtime;
  /** What it is called while it runs. */
  readonly what: string;
  /** The program and its first arguments; the interpreter, the effort and what to skip follow. */
  readonly command: readonly string[];
  readonly isPeer: boolean;
}

/** How each runtime runs a program. */
export const runtimes: Readonly<Record<Runtime, readonly string[]>> = {
  bun: ["bun"],
  node: ["node"],
  deno: ["deno", "run", "--quiet", "--allow-all"],
};

/** How long a run measures. */
export const efforts = {
  full: { calls: 10_000, seconds: 0.5, blobs: 8 },
  quick: { calls: 1_000, seconds: 0.15, blobs: 2 },
} as const satisfies Record<string, Effort>;

/** Systems that keep Python in a process of its own. */
export const otherProcessPeers = ["python-shell", "pythonia", "pybridge", "python-bridge", "@grpc/grpc-js", "undici", "zeromq", "spawn"];
/** Systems with Python inside the host's process: nothing crosses, and a crash takes the program along. */
export const inProcessPeers = ["node-calls-python", "@platformatic/python-node"];
/** Figures of Snakepit that take a program of their own, by its name. One that is not there is left out. */
const programs = ["faces", "scaling", "sessions", "forking", "growth", "arrays", "gateway"];
/** Those of them that a quick look leaves out, since they start hundreds of workers and sessions. */
const slow = ["forking", "growth"];
const mainRuntimes = ["bun", "node"] as const;

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** One round of one system. */
export function child(system: string, runtime: Runtime, isPeer: boolean): Task {
  return { system, runtime, what: system, command: [path("./child.ts"), system], isPeer };
}

function program(name: string, runtime: Runtime, system = "snakepit"): Task {
  return { system, runtime, what: name, command: [path(`./${name}.ts`)], isPeer: false };
}

/** What the guard compares: the floor and Snakepit over it. */
export function guarded(): Task[] {
  return (["bun", "node", "deno"] as const).flatMap((runtime) => [child("floor", runtime, false), child("snakepit", runtime, false)]);
}

/** Everything. A quick look has the peers and the programs on Node alone, and not those that take long. */
export function everything(quick: boolean): Task[] {
  const few = quick ? (["node"] as const) : mainRuntimes;
  return [
    ...guarded(),
    ...few.map((runtime) => program("startup", runtime, "python")),
    ...programs
      .filter((name) => existsSync(path(`./${name}.ts`)) && !(quick && slow.includes(name)))
      .flatMap((name) => few.map((runtime) => program(name, runtime))),
    ...[...otherProcessPeers, ...inProcessPeers].flatMap((peer) => few.map((runtime) => child(peer, runtime, true))),
  ];
}
