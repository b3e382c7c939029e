/** A worker is stopped for seconds and then goes on. */
import { Snakepit } from "../../src/index.ts";
import { isAlive, signal, startTicks } from "../processes.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { orLate, pause, python, Tally, tagOf, tools, within } from "../support.ts";

const STOPPED_MS = { whole: 5_000, quick: 2_000 } as const;
/** A call ends so long after its deadline at most: the scan, and a machine with other things to do. */
const LATE_MS = 1_000;
const WORKERS = 2;

/** Stops one of two workers while calls with this deadline are on it, and looks at how every call ends. */
async function stop(chaos: Chaos, threads: number, timeoutMs: number, survives: boolean, violations: Violations) {
  const pit = await Snakepit.open({ tools, python, workers: WORKERS, threads, onLog() {} });
  await pit.ready();
  const outcomes = new Tally();
  let key = 0;
  const call = async (tool: "nap_again" | "nap_async" | "echo_later"): Promise<void> => {
    const own = key++;
    const since = performance.now();
    const args = tool === "echo_later" ? { value: own } : { key: own, seconds: 0.05 };
    const end = await orLate(
      pit.execute(tool, args, { timeoutMs }).then(
        (value) => (value === own ? "value" : `a wrong answer ${JSON.stringify(value)} for ${own}`),
        (error: unknown) => tagOf(error),
      ),
      timeoutMs + LATE_MS,
    );
    outcomes.add(end);
    // A worker that is given up takes its other calls along; those that may not run again say so.
    violations.check(
      ["value", "CallTimeout", "ConnectionLost", "WorkerCrashed"].includes(end),
      "a call ended wrongly",
      () => `${tool}: ${end}`,
    );
    if (tool === "nap_again") violations.check(end === "value" || end === "CallTimeout", "a call that may run again did not", () => end);
    violations.check(performance.now() - since < timeoutMs + LATE_MS, "a call outlived its deadline", () => `${tool}`);
  };
  let over = false;
  const lanes = (["nap_again", "nap_again", "nap_again", "nap_async", "echo_later", "echo_later"] as const).map(async (tool) => {
    while (!over) await call(tool);
  });
  await pause(200);
  const busy = (await pit.workers()).filter(({ status }) => status === "busy");
  const victim = chaos.random.pick(busy);
  if (victim === undefined) throw new Error("no worker is busy");
  const identity = startTicks(victim.pid);
  signal(victim.pid, "SIGSTOP");
  await pause(chaos.quick ? STOPPED_MS.quick : STOPPED_MS.whole);
  const alive = isAlive(victim.pid) && startTicks(victim.pid) === identity;
  if (alive) signal(victim.pid, "SIGCONT");
  violations.check(
    alive === survives,
    survives ? "the worker was given up too early" : "the worker was not given up",
    () => `deadline ${timeoutMs} ms`,
  );
  // What it answers now comes too late: it is dropped, and the calls after it get their own answers.
  await pause(1_000);
  over = true;
  violations.check((await orLate(Promise.all(lanes), timeoutMs + 2 * LATE_MS)) !== "late", "something hangs");
  violations.check(await within(5_000, () => pit.stats().ready === WORKERS), "the pool is not whole again");
  const checks = await Promise.all(
    Array.from({ length: 500 }, (_, n) =>
      pit.execute<number>("echo", { value: n }).then(
        (value) => value === n,
        () => false,
      ),
    ),
  );
  violations.check(checks.every(Boolean), "wrong answers afterwards");
  if (survives) violations.check(pit.stats().crashes === 0, `a worker that went on died of it (${threads} threads)`);
  const { crashes, retried, live } = pit.stats();
  violations.check(live === 0, "calls that never ended", () => String(live));
  await pit.close();
  const figures = { threads, timeoutMs, wentOn: alive, outcomes: outcomes.all, workersLost: crashes, retried };
  chaos.progress(JSON.stringify(figures));
  return figures;
}

export const stopped: Scenario = {
  title: `a worker that is stopped for seconds: its calls move or fail by their deadline, late answers are dropped`,
  share: 2,
  async run(chaos) {
    const violations = new Violations();
    if (chaos.quick) {
      const figures = { stoppedMs: STOPPED_MS.quick, runs: [await stop(chaos, 1, 1_300, true, violations)] };
      return { figures, violations: violations.list, gaps: [] };
    }
    const runs = [
      // The deadline passes 4.2 s in; the grace period of 2 s is not over when the worker goes on.
      await stop(chaos, 1, 4_200, true, violations),
      await stop(chaos, 2, 4_200, true, violations),
      // The deadline and the grace period pass while it is stopped.
      await stop(chaos, 1, 1_000, false, violations),
    ];
    return { figures: { stoppedMs: STOPPED_MS.whole, runs }, violations: violations.list, gaps: [] };
  },
};
