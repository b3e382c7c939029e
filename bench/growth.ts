/**
 * One round of how the cost of a call grows, on the runtime that runs this file: `growth.ts PYTHON EFFORT_JSON`. Microseconds of a call with few and with many
 * workers, sessions and queued calls; the two of each kind take turns.
 */
import { Snakepit } from "snakepit";
import type { Effort, Figure } from "./measure.ts";
import { median } from "./statistics.ts";

const WORKERS = 64;
const SESSIONS = 10_000;
const FEW_QUEUED = 1_000;
const MANY_QUEUED = 100_000;
const TURNS = 3;
const [python = "", effortJson = "{}"] = process.argv.slice(2);
const effort: Effort = JSON.parse(effortJson);
const tools = new URL("./systems/tools.py", import.meta.url);
const args = { text: "x" };

/** Microseconds of one call of each case: medians of turns, the first of which warms up. */
async function inTurn(cases: Readonly<Record<string, () => Promise<number>>>): Promise<Figure[]> {
  const taken = new Map<string, number[]>();
  for (let turn = 0; turn <= TURNS; turn++) {
    for (const [metric, run] of Object.entries(cases)) {
      const us = await run();
      if (turn > 0) taken.set(metric, [...(taken.get(metric) ?? []), us]);
    }
  }
  return Array.from(taken, ([metric, values]) => ({ metric, unit: "us", value: median(values) }));
}

/** Microseconds of a call, one after the other, each by the next of these. */
async function oneByOne(callables: readonly Pick<Snakepit, "execute">[], from: number): Promise<number> {
  const calls = effort.calls / 10;
  const start = performance.now();
  for (let n = 0; n < calls; n++) await callables[(from + n) % callables.length]?.execute("echo", args);
  return ((performance.now() - start) * 1_000) / calls;
}

async function workers(): Promise<Figure[]> {
  const one = await Snakepit.open({ tools, workers: 1, python, preload: "tools" });
  const many = await Snakepit.open({ tools, workers: WORKERS, python, preload: "tools", readyTimeoutMs: 60_000 });
  await many.ready();
  const figures = await inTurn({
    growth_workers_1_us: () => oneByOne([one], 0),
    [`growth_workers_${WORKERS}_us`]: () => oneByOne([many], 0),
  });
  await Promise.all([one.close(), many.close()]);
  return figures;
}

async function sessions(): Promise<Figure[]> {
  const few = await Snakepit.open({ tools, workers: 1, python });
  const many = await Snakepit.open({ tools, workers: 1, python });
  const one = await few.session("one");
  const all = await Promise.all(Array.from({ length: SESSIONS }, (_, n) => many.session(`session ${n}`)));
  // The worker gets to know a session with its first call, which costs a message more.
  for (let n = 0; n < SESSIONS; n += FEW_QUEUED) {
    await Promise.all(all.slice(n, n + FEW_QUEUED).map((session) => session.execute("echo", args)));
  }
  let from = 0;
  const figures = await inTurn({
    growth_sessions_1_us: () => oneByOne([one], 0),
    [`growth_sessions_${SESSIONS}_us`]: () => {
      from += effort.calls / 10;
      return oneByOne(all, from);
    },
  });
  await Promise.all([few.close(), many.close()]);
  return figures;
}

async function queued(): Promise<Figure[]> {
  const pit = await Snakepit.open({ tools, workers: 1, python, queueSize: MANY_QUEUED, queueTimeoutMs: 60_000 });
  const atOnce = async (count: number): Promise<number> => {
    const start = performance.now();
    await Promise.all(Array.from({ length: count }, () => pit.execute("echo", args, { timeoutMs: 60_000 })));
    return ((performance.now() - start) * 1_000) / count;
  };
  const few = async (): Promise<number> => {
    const times: number[] = [];
    for (let n = 0; n < 5; n++) times.push(await atOnce(FEW_QUEUED));
    return median(times);
  };
  const figures = await inTurn({
    [`growth_queued_${FEW_QUEUED}_us`]: few,
    [`growth_queued_${MANY_QUEUED}_us`]: () => atOnce(MANY_QUEUED),
  });
  await pit.close();
  return figures;
}

console.log(JSON.stringify([...(await workers()), ...(await sessions()), ...(await queued())]));
