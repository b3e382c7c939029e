/**
 * One round of what sessions cost, on the runtime that runs this file: `sessions.ts PYTHON EFFORT_JSON`. Prints its figures as one line of JSON: reads from Python
 * beside a bare call, memory with a thousand sessions, and one operation with a thousand of them beside one alone.
 */
import { type Session, Snakepit } from "snakepit";
import type { Effort, Figure } from "./measure.ts";
import { median } from "./statistics.ts";

const SESSIONS = 1_000;
const VARIABLES = 100;
const ROUNDS = 9;
/** Short and many: reads cross to another process and back, of which a busy machine makes something else every time. */
const READ_ROUNDS = 21;
const name = (variable: number): string => `v${variable % VARIABLES}`;

/** A session with a hundred small variables. */
async function filled(pit: Snakepit, id: string): Promise<Session> {
  const session = await pit.session(id);
  for (let n = 0; n < VARIABLES; n++) await session.variables.register(name(n), { type: "float", value: n / 2 });
  return session;
}

/** Reads in a tool, which measures them itself. */
async function reads(python: string, calls: number): Promise<Figure[]> {
  const tools = new URL("./systems/session_tools.py", import.meta.url);
  const pit = await Snakepit.open({ tools, workers: 1, python });
  const session = await filled(pit, "reads");
  const taken = await session.execute<Record<string, number>>("reads", { rounds: READ_ROUNDS, calls });
  await pit.close();
  return Object.entries(taken).map(([metric, value]) => ({ metric, unit: "us", value }));
}

/** Microseconds of a write and a read, over all of these sessions in turn. */
async function operation(sessions: readonly Session[], calls: number): Promise<number> {
  const start = performance.now();
  for (let n = 0; n < calls; n++) {
    const session = sessions[n % sessions.length];
    await session?.variables.set(name(n), n);
    await session?.variables.get(name(n));
  }
  return ((performance.now() - start) * 1_000) / calls;
}

/** Every figure of sessions. Memory comes first, in a process that has done nothing else. */
async function measure(python: string, { calls }: Effort): Promise<Figure[]> {
  const crowded = await Snakepit.open();
  const all: Session[] = [];
  for (let n = 0; n < SESSIONS; n++) all.push(await filled(crowded, `session ${n}`));
  const rss = process.memoryUsage().rss / 2 ** 20;
  const alone = await Snakepit.open();
  const cases = {
    session_op_us: [await filled(alone, "alone")],
    session_op_us_one_of_1000: all.slice(SESSIONS / 2, SESSIONS / 2 + 1),
    session_op_us_1000_in_turn: all,
  };
  const times = new Map<string, number[]>(Object.keys(cases).map((metric) => [metric, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [metric, sessions] of Object.entries(cases)) {
      const took = await operation(sessions, calls);
      // The first round warms up.
      if (round > 0) times.get(metric)?.push(took);
    }
  }
  await alone.close();
  await crowded.close();
  return [
    { metric: "host_rss_mb_1000_sessions", unit: "MB", value: rss },
    ...Array.from(times, ([metric, values]) => ({ metric, unit: "us", value: median(values) })),
    ...(await reads(python, calls / 20)),
  ];
}

const [python = "", effortJson = "{}"] = process.argv.slice(2);
console.log(JSON.stringify(await measure(python, JSON.parse(effortJson))));
