/**
 * How long a worker with numpy and scikit-learn takes to be ready, and what memory is its own: forked off a process that has imported them, and spawned.
 * `forking.ts PYTHON EFFORT_JSON`; prints its figures as one line of JSON.
 */
import { type PitEvent, Snakepit } from "snakepit";
import { type Figure, privateMb } from "./measure.ts";
import { median } from "./statistics.ts";

const tools = new URL("./systems/science.py", import.meta.url);

/**
 * Kills the one worker of a pit as often as told, and measures each time from where that is noticed until the next is ready. It waits for events: a loop that
 * asks would take the processor that the worker starts on.
 */
async function replace(python: string, preload: "tools" | undefined, times: number): Promise<{ readyMs: number; privateMb: number }> {
  let crashedAt = 0;
  let ready = (_: number): void => {};
  const onEvent = ({ type }: PitEvent): void => {
    if (type === "worker.crashed") crashedAt = performance.now();
    if (type === "worker.ready") ready(performance.now() - crashedAt);
  };
  const pit = await Snakepit.open({ tools, workers: 1, python, preload, readyTimeoutMs: 60_000, onEvent });
  const took: number[] = [];
  const own: number[] = [];
  for (let i = 0; i < times; i++) {
    const [worker] = await pit.workers();
    if (worker === undefined) throw new Error("there is no worker");
    own.push(privateMb(worker.pid) ?? Number.NaN);
    // One that has done nothing would count as broken.
    await pit.execute("versions");
    const next = new Promise<number>((resolve) => {
      ready = resolve;
    });
    process.kill(worker.pid, "SIGKILL");
    took.push(await next);
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
