/** Workers are recycled, reloaded and scaled under load. */
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type OpenOptions, Snakepit } from "../../src/index.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { orLate, pause, python, Tally, tagOf, tools, within } from "../support.ts";

const AT_ONCE = 16;
/** Longest time that a pool may take to be as it should be again, in milliseconds. */
const SETTLE_MS = 20_000;

/** Keeps a pool busy, some of it in a session, while something happens to its workers. Every call must end with its own answer. */
async function underLoad(options: OpenOptions, violations: Violations, happen: (pit: Snakepit) => Promise<object>): Promise<object> {
  const pit = await Snakepit.open({ tools, python, onLog() {}, ...options });
  await pit.ready();
  const session = await pit.session("renewed");
  await session.variables.register("calls", { type: "integer", value: 0 });
  const outcomes = new Tally();
  let over = false;
  let key = 0;
  const call = async (lane: number): Promise<void> => {
    const own = key++;
    const target = lane % 4 === 0 ? session : pit;
    const [tool, args] = lane % 2 === 0 ? (["echo", { value: own }] as const) : (["nap", { key: own, seconds: 0.002 }] as const);
    const end = await target.execute(tool, args).then(
      (value) => (value === own ? "value" : "a wrong answer"),
      (error: unknown) => tagOf(error),
    );
    outcomes.add(end);
    violations.check(end === "value", "a call failed", () => `${tool}: ${end}`);
  };
  const lanes = Array.from({ length: AT_ONCE }, async (_, lane) => {
    while (!over) await call(lane);
  });
  const figures = await happen(pit);
  over = true;
  violations.check((await orLate(Promise.all(lanes), SETTLE_MS)) !== "late", "something hangs");
  const { crashes, live } = pit.stats();
  violations.check(crashes === 0, "a worker crashed", () => String(crashes));
  violations.check(live === 0, "calls that never ended", () => String(live));
  violations.check((await session.variables.get("calls")) === 0, "a session was lost");
  await pit.close();
  return { ...figures, outcomes: outcomes.all };
}

/** Workers that last for a few hundred calls. */
const recycle = (violations: Violations, times: number): Promise<object> =>
  underLoad({ workers: 3, recycle: { calls: 300 } }, violations, async (pit) => {
    const done = await within(SETTLE_MS, () => pit.stats().recycled >= times);
    violations.check(done, "workers were not recycled", () => `${pit.stats().recycled} of ${times}`);
    return { recycled: pit.stats().recycled };
  });

/** New code, again and again, and once code that does not load. */
async function reload(violations: Violations, times: number): Promise<object> {
  const folder = mkdtempSync(join(tmpdir(), "renewal-"));
  const file = join(folder, "tools.py");
  copyFileSync(tools, file);
  try {
    return await underLoad({ tools: file, workers: 2 }, violations, async (pit) => {
      const first = new Set((await pit.workers()).map(({ id }) => id));
      for (let n = 0; n < times; n++) await pit.reload();
      const kept = (await pit.workers()).filter(({ id, status }) => first.has(id) && status !== "draining" && status !== "stopped");
      violations.check(kept.length === 0, "workers were not replaced", () => kept.map(({ id }) => id).join(", "));
      writeFileSync(file, "raise RuntimeError('broken')\n");
      const refused = await pit.reload().then(
        () => "nothing",
        (error: unknown) => tagOf(error),
      );
      violations.check(refused === "WorkerStartFailed", "broken code was not refused", () => refused);
      await pause(200);
      copyFileSync(tools, file);
      return { reloads: times };
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** From one worker to four and back. */
const scale = (violations: Violations): Promise<object> =>
  underLoad({ workers: { min: 1, max: 4, idleMs: 300 } }, violations, async (pit) => {
    const grown = await within(SETTLE_MS, () => pit.stats().ready === 4);
    violations.check(grown, "the pool did not grow", () => `${pit.stats().ready} workers`);
    return { grownTo: pit.stats().ready };
  });

/** To none, and back with the first call. */
async function scaleToZero(violations: Violations): Promise<object> {
  await using pit = await Snakepit.open({ tools, python, onLog() {}, workers: { min: 0, max: 2, idleMs: 200 } });
  violations.check(await within(SETTLE_MS, () => pit.stats().ready === 0), "the pool did not go to sleep");
  const since = performance.now();
  const answer = await pit.execute("echo", { value: 7 }).catch(tagOf);
  violations.check(answer === 7, "the first call after a sleep failed", () => String(answer));
  return { firstCallMs: Math.round(performance.now() - since) };
}

export const renewal: Scenario = {
  title: "recycling, reloading and scaling under load fail no call",
  share: 1,
  async run(chaos: Chaos) {
    const violations = new Violations();
    const figures = {
      recycle: await recycle(violations, chaos.quick ? 3 : 12),
      reload: await reload(violations, chaos.quick ? 1 : 4),
      scale: await scale(violations),
      scaleToZero: await scaleToZero(violations),
    };
    for (const [what, found] of Object.entries(figures)) chaos.progress(`${what}: ${JSON.stringify(found)}`);
    return { figures, violations: violations.list, gaps: [] };
  },
};
