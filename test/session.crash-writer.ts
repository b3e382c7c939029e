/**
 * Changes the variables of the session "shared" of a file at random until it is killed: `session.crash-writer.ts FILE SEED`. It says on stdout what it is about to
 * ask for, and then what was acknowledged, a line of JSON each: `{"ask": {"a": 7, "d": null}}` with the values, null where one is deleted, and `{"ack": {"a": 3}}` with
 * the versions. There is one change at a time, so a death leaves at most one of which nobody heard.
 */
import { writeSync } from "node:fs";
import { Store } from "../src/session/service.ts";
import { oneOf, randomOf, wholeBelow } from "./random.ts";
import { bench } from "./session.support.ts";

const MAX = 1_000_000;
const [file = "", seed = "0"] = process.argv.slice(2);
const random = randomOf(Number(seed));
const value = (): number => wholeBelow(random, MAX);
/** Writes a line whole, before anything else is done. The reader may be behind, and the pipe one that does not block. */
function say(line: { readonly ask: object } | { readonly ack: object }): void {
  let left = Buffer.from(`${JSON.stringify(line)}\n`);
  while (left.length > 0) {
    try {
      left = left.subarray(writeSync(1, left));
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
  }
}

const writer = await bench({ store: Store.layerSqlite({ file }) });
const { variables } = await writer.session("shared");
const there = new Set((await variables.list()).map(({ name }) => name));

async function register(name: string): Promise<void> {
  const first = value();
  say({ ask: { [name]: first } });
  const { version } = await variables.register(name, { type: "integer", value: first, constraints: { max: MAX } });
  there.add(name);
  say({ ack: { [name]: version } });
}

/** The kinds of change, each as often as it stands here. */
const changes: readonly [() => Promise<void>, ...(() => Promise<void>)[]] = [
  async function set() {
    const name = oneOf(random, ["a", "b", "c"]);
    const asked = { [name]: value() };
    say({ ask: asked });
    say({ ack: { [name]: await variables.set(name, asked[name]) } });
  },
  async function update() {
    const name = oneOf(random, ["a", "b", "c"]);
    const { value: present, version } = await variables.entry<number>(name);
    const next = (present + 1) % MAX;
    say({ ask: { [name]: next } });
    await variables.update<number>(name, (now) => (now + 1) % MAX);
    say({ ack: { [name]: version + 1 } });
  },
  async function all() {
    const asked = { a: value(), b: value(), c: value() };
    say({ ask: asked });
    say({ ack: (await variables.setMany(asked)).versions });
  },
  async function some() {
    const asked = { a: value(), c: value() };
    say({ ask: asked });
    say({ ack: (await variables.setMany({ ...asked, b: MAX + 1 }, { atomic: false })).versions });
  },
  async function comesAndGoes() {
    if (!there.has("d")) return register("d");
    say({ ask: { d: null } });
    await variables.delete("d");
    there.delete("d");
    say({ ack: { d: 0 } });
  },
];

for (const name of ["a", "b", "c"]) if (!there.has(name)) await register(name);
for (;;) await oneOf(random, changes)();
