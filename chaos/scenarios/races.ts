/** Cancels and deadlines that race the end of their calls, beside other calls on the same worker. */
import { isSnakepitError, Snakepit } from "../../src/index.ts";
import type { Random } from "../../src/testing/random.ts";
import type { Chaos, Scenario } from "../scenario.ts";
import { Violations } from "../scenario.ts";
import { many, orLate, python, Tally, tagOf, tools } from "../support.ts";

const AT_ONCE = 8;
const BYSTANDERS = 4;
/** Longest time that a raced tool takes, in seconds. */
const LONGEST = 0.006;
/** How far off its own end a call is raced, at most, in seconds. */
const OFF = 0.003;
const ENDLESS_MS = 20_000;

const raced = ["nap", "nap_async", "spin", "count", "count_async", "echo", "total"] as const;
const bystanders = ["echo", "echo_later", "count", "total"] as const;

/** An input stream that ends after some items. */
async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const sumTo = (count: number): number => (count * (count - 1)) / 2;

/** Starts one call whose right answer is known. */
function start(pit: Snakepit, tool: string, key: number, seconds: number, options: { signal?: AbortSignal; timeoutMs?: number }) {
  const stop = 1 + (key % 700);
  switch (tool) {
    case "count":
    case "count_async": {
      const expected = (value: unknown): boolean =>
        Array.isArray(value) && value.length === stop && value.every((item, i) => item === key + i);
      return { answer: collect(pit.executeStream(tool, { key, stop }, options)), expected };
    }
    case "total":
      return { answer: pit.execute(tool, { numbers: numbers(stop) }, options), expected: (value: unknown) => value === sumTo(stop) };
    case "echo":
    case "echo_later":
      return {
        answer: pit.execute(tool, { value: [key, "x"] }, options),
        expected: (value: unknown) => JSON.stringify(value) === `[${key},"x"]`,
      };
    default:
      return { answer: pit.execute(tool, { key, seconds }, options), expected: (value: unknown) => value === key };
  }
}

/** One worker with so many threads. */
async function race(chaos: Chaos, random: Random, threads: number, count: number, until: number, violations: Violations) {
  const pit = await Snakepit.open({ tools, python, workers: 1, threads, onLog() {}, retry: "never" });
  const outcomes = new Tally();
  let bystanding = 0;
  let over = false;
  const crowd = Array.from({ length: BYSTANDERS }, async (_, lane) => {
    const tool = bystanders[lane % bystanders.length] ?? "echo";
    for (let n = 0; !over; n++) {
      const { answer, expected } = start(pit, tool, lane * 1_000_000 + n, 0, {});
      bystanding++;
      const end = await orLate(
        answer.then(
          (value) => (expected(value) ? "right" : `a wrong answer ${JSON.stringify(value)}`),
          (error: unknown) => tagOf(error),
        ),
        ENDLESS_MS,
      );
      violations.check(end === "right", `another call was touched (${tool}, ${threads} threads)`, () => end);
    }
  });
  const begun = await many(count, AT_ONCE, until, async (key) => {
    const tool = random.pick(raced);
    const seconds = random.next() * LONGEST;
    const afterMs = Math.max(0.1, (seconds + (random.next() * 2 - 1) * OFF) * 1_000);
    const byDeadline = random.chance(0.5);
    const controller = new AbortController();
    const { answer, expected } = start(pit, tool, key, seconds, byDeadline ? { timeoutMs: afterMs } : { signal: controller.signal });
    const timer = byDeadline ? undefined : setTimeout(() => controller.abort(), afterMs);
    let ends = 0;
    const end = await orLate(
      answer.then(
        (value) => {
          ends++;
          return expected(value) ? "value" : `a wrong answer ${JSON.stringify(value)}`;
        },
        (error: unknown) => {
          ends++;
          return isSnakepitError(error) && error._tag === (byDeadline ? "CallTimeout" : "Cancelled")
            ? error._tag
            : `${tool} ${String(error)}`;
        },
      ),
      ENDLESS_MS,
    );
    clearTimeout(timer);
    outcomes.add(end);
    violations.check(ends === 1, "a raced call did not end once", () => end);
    violations.check(["value", "Cancelled", "CallTimeout"].includes(end), `a raced call ended wrongly (${threads} threads)`, () => end);
  });
  over = true;
  await Promise.all(crowd);
  const { crashes } = pit.stats();
  violations.check(crashes === 0, "the worker died of it", () => `${crashes} times`);
  await pit.close();
  const figures = { threads, raced: begun, outcomes: outcomes.all, bystanders: bystanding, workersLost: crashes };
  chaos.progress(JSON.stringify(figures));
  return { figures, gaps: begun < count ? [`only ${begun} of ${count} races with ${threads} threads fitted into the time`] : [] };
}

export const races: Scenario = {
  title: "cancels and deadlines that race the end of their calls touch no other call",
  share: 6,
  async run(chaos) {
    const count = chaos.quick ? 400 : 5_000;
    const violations = new Violations();
    const half = (chaos.until - performance.now()) / 2;
    const one = await race(chaos, chaos.random.fork(), 1, count, performance.now() + half, violations);
    const several = await race(chaos, chaos.random.fork(), 4, count, chaos.until, violations);
    return {
      figures: { atOnce: AT_ONCE, runs: [one.figures, several.figures] },
      violations: violations.list,
      gaps: [...one.gaps, ...several.gaps],
    };
  },
};
