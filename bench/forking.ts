/**
 * How long a worker with numpy and scikit-learn takes to be ready, and what memory is its own: forked off a process that has imported them, and spawned.
 * `forking.ts PYTHON EFFORT_JSON`; prints its figures as one line of JSON.
 */
import { setTimeout } from "node:timers/promises";
import { type PitEvent, Snakepit } from "snakepit";
import { type Figure, privateMb } from "./measure.ts";
import { median } from "./statistics.ts";

const BETWEEN_MS = 200;
const tools = new URL("./systems/science.py", import.meta.url);

/**
 * Kills the one worker of a pit as often as told, and measures each time from where that is noticed until the next is ready. It waits for events: a loop that
 * asks would take the processor that the worker starts on.
 */
async function replace(python: string, preload: "tools" | undefined, times: number): Promise<{ readyMs: number; privateMb: number }> {
  let crashedAt = 0;
  let ready = Promise.withResolvers<{ readonly pid: number; readonly afterMs: number }>();
  const onEvent = (event: PitEvent): void => {
    if (event.type === "worker.crashed") crashedAt = performance.now();
    if (event.type === "worker.ready") ready.resolve({ pid: event.pid, afterMs: performance.now() - crashedAt });
  };
  const pit = await Snakepit.open({ tools, workers: 1, python, preload, readyTimeoutMs: 60_000, onEvent });
  const took: number[] = [];
  const own: number[] = [];
  let { pid } = await ready.promise;
  for (let i = 0; i < times; i++) {
    own.push(privateMb(pid) ?? Number.NaN);
    // One that has done nothing would count as broken. Workers die one at a time, with time between for the server to fork ahead.
    await pit.execute("versions");
    await setTimeout(BETWEEN_MS);
    ready = Promise.withResolvers();
    process.kill(pid, "SIGKILL");
    const next = await ready.promise;
    took.push(next.afterMs);
    pid = next.pid;
  }
  await pit.close();
  return { readyMs: median(took), privateMb: median(own) };
}

const python = process.argv[2] ?? "";
const forked = await replace(python, "tools", 10);
const spawned = await replace(python, undefined, 1);
const figures: Figure[] = [
  { metric: "fork_ready_ms", unit: "ms", value: forked.readyMs },
  { metric: "fork_private_mb", unit: "MB", value: forked.privateMb },
  { metric: "spawn_ready_ms", unit: "ms", value: spawned.readyMs },
  { metric: "spawn_private_mb", unit: "MB", value: spawned.privateMb },
];
console.log(JSON.stringify(figures));
