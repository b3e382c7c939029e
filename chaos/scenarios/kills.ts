/** Workers are killed under load: nothing is lost, nothing is done twice. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSnakepitError, Snakepit } from "../../src/index.ts";
import { signal } from "../processes.ts";
import { type Chaos, type Scenario, Violations } from "../scenario.ts";
import { many, orLate, pause, python, Tally, tagOf, tools, within } from "../support.ts";

const AT_ONCE = 16;
const WORKERS = 8;
const KILL_EVERY_MS = 100;
/** How workers come to be, and how soon after the last kill the pool must be whole again. */
const HEALED_MS = { spawn: 1_000, fork: 200 } as const;
/** The quick form runs beside other suites. */
const HEALED_QUICK_MS = 5_000;
type StartedBy = keyof typeof HEALED_MS;
/** Far beyond what any call may take: it has its own deadline of 30 s. */
const ENDLESS_MS = 40_000;
/** Said in the summary, because what holds depends on them. The defaults of the pool. */
const SETTINGS = {
  retries: 3,
  retryBackoffMs: 1_000,
  timeoutMs: 30_000,
  retryBudget: { ratio: 0.2, perSecond: 10, burst: 1_000 },
} as const;
/** Up to so long a call takes, in seconds. Half of them take no time at all, so that many are with one worker at once. */
const LONGEST_CALL = 0.01;

interface Half {
  readonly figures: Record<string, unknown>;
  readonly gaps: string[];
}

/** One half of the scenario: calls of one tool, and a worker killed every 100 ms. */
async function storm(
  chaos: Chaos,
  startedBy: StartedBy,
  tool: "again" | "once",
  count: number,
  until: number,
  violations: Violations,
): Promise<Half> {
  const log = join(tmpdir(), `${tool}.log`);
  writeFileSync(log, "");
  const random = chaos.random.fork();
  const preload = startedBy === "fork" ? "tools" : undefined;
  const pit = await Snakepit.open({ tools, python, preload, workers: WORKERS, onLog() {}, ...SETTINGS });
  await pit.ready();
  const others = (await pit.workers()).filter((worker) => worker.startedBy !== startedBy);
  violations.check(others.length === 0, `workers did not start by ${startedBy}`, () => `${others.length}`);
  const ended = new Uint8Array(count);
  const succeeded = new Uint8Array(count);
  const outcomes = new Tally();
  let lastKill = performance.now();
  let kills = 0;
  /** Kills that met a place whose worker was starting. */
  let missed = 0;
  let calling = true;

  const killer = (async () => {
    while (calling) {
      await pause(KILL_EVERY_MS);
      const workers = await pit.workers();
      // One of the places, whoever has it. Were it always a worker that is ready, a pool that starts fewer than ten a second would be down to one, which dies each time.
      const victim = workers[random.whole(WORKERS)];
      if (!calling) break;
      if (victim === undefined || victim.pid === 0) {
        missed++;
        continue;
      }
      signal(victim.pid, "SIGKILL");
      lastKill = performance.now();
      kills++;
    }
  })();

  const since = performance.now();
  const begun = await many(count, AT_ONCE, until, async (key) => {
    const seconds = random.chance(0.5) ? 0 : random.next() * LONGEST_CALL;
    const call = pit.execute<number>(tool, { log, key, seconds }).then(
      (value) => {
        ended[key]!++;
        succeeded[key] = 1;
        outcomes.add("value");
        violations.check(value === key, `${tool}: a wrong answer`, () => `${value} for ${key}`);
      },
      (error: unknown) => {
        ended[key]!++;
        outcomes.add(tagOf(error));
        const allowed = tool === "once" && isSnakepitError(error) && error._tag === "WorkerCrashed";
        violations.check(allowed, `${tool}: a call failed`, () => String(error));
      },
    );
    if ((await orLate(call, ENDLESS_MS)) === "late") violations.add(`${tool}: a call never ended`, String(key));
  });
  const took = performance.now() - since;
  calling = false;
  const healed = chaos.quick ? HEALED_QUICK_MS : HEALED_MS[startedBy];
  await within(10_000, () => pit.stats().crashes === kills && pit.stats().ready === WORKERS);
  const healedMs = Math.round(performance.now() - lastKill);
  await killer;
  violations.check(
    healedMs <= healed,
    `${startedBy}, ${tool}: the pool was not whole ${healed} ms after the last kill`,
    () => `${healedMs} ms`,
  );

  const runs = new Uint8Array(count);
  for (const line of readFileSync(log, "utf8").split("\n").slice(0, -1)) runs[Number(line)]!++;
  rmSync(log);
  let traces = 0;
  for (let key = 0; key < begun; key++) {
    traces += runs[key]!;
    violations.check(ended[key] === 1, `${tool}: a call did not end exactly once`, () => `${ended[key]} times`);
    if (succeeded[key] === 1) violations.check(runs[key]! > 0, `${tool}: a call succeeded and did not run`, () => String(key));
    if (tool === "once") violations.check(runs[key]! <= 1, "once: a call ran twice", () => String(key));
  }
  const { retried, crashes, started } = pit.stats();
  await pit.close();
  const figures = {
    startedBy,
    tool,
    calls: begun,
    callsPerSecond: Math.round((begun / took) * 1_000),
    outcomes: outcomes.all,
    kills,
    missed,
    crashes,
    started,
    retried,
    runs: traces,
    healedMs,
  };
  return { figures, gaps: begun < count ? [`${startedBy}, ${tool}: only ${begun} of ${count} calls fitted into the time`] : [] };
}

export const kills: Scenario = {
  title: `calls while a worker is killed every ${KILL_EVERY_MS} ms: idempotent ones never fail, others never run twice`,
  share: 5,
  async run(chaos) {
    const count = chaos.quick ? 400 : 10_000;
    const violations = new Violations();
    const storms: Half[] = [];
    const order = [
      ["spawn", "again"],
      ["spawn", "once"],
      ["fork", "again"],
      ["fork", "once"],
    ] as const;
    for (const [n, [startedBy, tool]] of order.entries()) {
      const left = chaos.until - performance.now();
      const one = await storm(chaos, startedBy, tool, count, performance.now() + left / (order.length - n), violations);
      chaos.progress(JSON.stringify(one.figures));
      storms.push(one);
    }
    return {
      figures: {
        atOnce: AT_ONCE,
        workers: WORKERS,
        killEveryMs: KILL_EVERY_MS,
        settings: { ...SETTINGS, retry: "safe", poisonous: 3, breaker: "none" },
        storms: storms.map(({ figures }) => figures),
      },
      violations: violations.list,
      gaps: storms.flatMap(({ gaps }) => gaps),
    };
  },
};
