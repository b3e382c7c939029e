/** Programs that are killed while they write to a file of sessions: what they were told is done is there, and nothing else. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openSqlite } from "../src/runtime/sqlite.ts";
import { Store } from "../src/session/service.ts";
import { randomOf, seedOf, wholeBelow } from "./random.ts";
import { bench } from "./session.support.ts";

const root = resolve(import.meta.dirname, "..");
const program = resolve(import.meta.dirname, "session.crash-writer.ts");
/** How often programs are killed on each runtime. Bun starts twice as fast, and the store is the same. */
const KILLS = { bun: 80, node: 20 };
const SEED = seedOf("SNAKEPIT_CRASH_SEED", 1);

/** What a file has to hold: values and versions by name. */
type State = ReadonlyMap<string, { readonly value: number; readonly version: number }>;
type Values = Readonly<Record<string, number | null>>;

/** The state after a change: a null deletes, every other value counts one version. */
function after(state: State, values: Values): State {
  const next = new Map(state);
  for (const [name, value] of Object.entries(values)) {
    if (value === null) next.delete(name);
    else next.set(name, { value, version: (state.get(name)?.version ?? -1) + 1 });
  }
  return next;
}

/** What a killed program said it had asked for, in order, and what it was told. */
interface Said {
  readonly ask?: Values;
  readonly ack?: Readonly<Record<string, number>>;
}

/** Starts the program, kills it with SIGKILL some time after it has said so many lines, and answers all that it said. */
async function killed(runtime: string, file: string, seed: number, lines: number, laterUs: number): Promise<Said[]> {
  const flags = runtime === "node" ? ["--no-warnings"] : [];
  const child = Bun.spawn([`${root}/node_modules/.bin/${runtime}`, ...flags, program, file, String(seed)], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
  const said: Said[] = [];
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of child.stdout) {
    text += decoder.decode(bytes, { stream: true });
    const whole = text.split("\n");
    text = whole.pop() ?? "";
    for (const line of whole) said.push(JSON.parse(line));
    if (said.length < lines || child.killed) continue;
    // Not right after a line: the moment has nothing to do with what the program does.
    const until = performance.now() + laterUs / 1_000;
    while (performance.now() < until);
    child.kill("SIGKILL");
  }
  await child.exited;
  if (child.signalCode !== "SIGKILL") throw new Error(await new Response(child.stderr).text());
  return said;
}

/** The states that the file may have after a program said this: with or without the change that was asked for last and not acknowledged. */
function possible(before: State, said: readonly Said[]): readonly State[] {
  let state = before;
  let asked: State | undefined;
  for (const { ask, ack } of said) {
    if (ask !== undefined) asked = after(state, ask);
    if (ack === undefined || asked === undefined) continue;
    for (const [name, version] of Object.entries(ack)) expect(asked.get(name)?.version ?? 0).toBe(version);
    state = asked;
    asked = undefined;
  }
  return asked === undefined ? [state] : [state, asked];
}

/** What a file holds, once it is known to be sound. */
async function reopened(file: string): Promise<State> {
  await using reader = await bench({ store: Store.layerSqlite({ file }) });
  const entries = await (await reader.session("shared")).variables.list();
  const database = await openSqlite(file);
  expect(database.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  expect(database.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
  database.close();
  return new Map(entries.map(({ name, value, version }) => [name, { value: value as number, version }]));
}

/** Kills one program after the other on one file, and looks at the file after each. Answers how often a change was under way. */
async function killOver(runtime: string, times: number, seed: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "snakepit-sessions-"));
  const file = join(folder, "sessions.db");
  const random = randomOf(seed);
  let state: State = new Map();
  let underWay = 0;
  try {
    for (let point = 0; point < times; point++) {
      const said = await killed(runtime, file, wholeBelow(random, 2 ** 31), 1 + wholeBelow(random, 300), wholeBelow(random, 1_000));
      const allowed = possible(state, said);
      const found = await reopened(file);
      const where = `seed ${SEED}, ${runtime}, point ${point}, after ${said.length} lines, the last ${JSON.stringify(said.at(-1))}`;
      const fits = allowed.some((each) => Bun.deepEquals(each, found));
      if (!fits) throw new Error(`${where}: the file holds ${show(found)}, and may hold ${allowed.map(show).join(" or ")}`);
      if (allowed.length > 1) underWay++;
      state = found;
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return underWay;
}

const show = (state: State): string => JSON.stringify(Object.fromEntries(state));

describe("a program that is killed while it writes", () => {
  test("leaves every change it was told of and nothing it never asked for, in a sound file, at 100 moments", async () => {
    // Two at a time: one program writes while another is looked at.
    const underWay = await Promise.all([killOver("bun", KILLS.bun, SEED), killOver("node", KILLS.node, SEED + 1)]);
    expect(KILLS.bun + KILLS.node).toBe(100);
    // The test would prove little if the programs were never in the middle of something.
    expect(underWay[0]! + underWay[1]!).toBeGreaterThan(20);
  }, 400_000);

  test("is held to what it said: a change that is lost or made up is found", () => {
    const one: State = new Map([["a", { value: 1, version: 0 }]]);
    const said = [{ ask: { a: 2 } }, { ack: { a: 1 } }, { ask: { a: 3, b: 4 } }];
    const [acknowledged, asked, ...rest] = possible(one, said);
    expect(acknowledged).toEqual(new Map([["a", { value: 2, version: 1 }]]));
    expect(asked).toEqual(
      new Map([
        ["a", { value: 3, version: 2 }],
        ["b", { value: 4, version: 0 }],
      ]),
    );
    expect(rest).toEqual([]);
    expect(possible(one, [{ ask: { a: null } }, { ack: { a: 0 } }])).toEqual([new Map()]);
  });
});
