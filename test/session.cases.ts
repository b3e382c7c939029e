/** How sessions behave, over any store and on every runtime: each case is a sentence and a program that fails when it is not true. */
import assert from "node:assert/strict";
import { Effect, Stream } from "effect";
import type { Session as EffectSession } from "../src/session/service.ts";
import { make, Sessions } from "../src/session/service.ts";
import type { Session } from "../src/session/session.ts";
import type { Bench, BenchOptions } from "./session.support.ts";

/** Makes sessions over the store that is tried. */
export type Open = (options?: Omit<BenchOptions, "store">) => Promise<Bench>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Fails unless the promise is rejected with this member of the family; answers it. */
export async function fails<Fields extends object = object>(promise: Promise<unknown>, tag: string): Promise<Error & Fields> {
  const error = await promise.then(
    (value) => assert.fail(`it should have failed with ${tag}, and gave ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof Error && "_tag" in error, String(error));
  assert.equal(error._tag, tag, error.message);
  return error as Error & Fields;
}

async function take<A>(items: AsyncIterator<A>, count: number): Promise<A[]> {
  const taken: A[] = [];
  while (taken.length < count) {
    const next = await items.next();
    if (next.done === true) break;
    taken.push(next.value);
  }
  return taken;
}

/** A session with a float from 0 to 2. */
async function warm(bench: Bench, id = "user-42"): Promise<Session> {
  const session = await bench.session(id);
  await session.variables.register("temperature", { type: "float", value: 0.7, constraints: { min: 0, max: 2 } });
  return session;
}

/** The cases by their sentence. */
export const cases: Readonly<Record<string, (open: Open) => Promise<void>>> = {
  "a variable is registered at version 0 with an id of its own": async (open) => {
    await using bench = await open();
    const session = await bench.session("s");
    const entry = await session.variables.register("temperature", {
      type: "float",
      value: 0.7,
      constraints: { min: 0, max: 2 },
      metadata: { description: "of the model" },
    });
    assert.match(entry.id, /^var_temperature_\d+$/);
    assert.deepEqual(
      { ...entry, id: "", at: 0 },
      {
        id: "",
        name: "temperature",
        type: "float",
        value: 0.7,
        version: 0,
        constraints: { min: 0, max: 2 },
        metadata: { description: "of the model" },
        source: { side: "typescript" },
        at: 0,
      },
    );
    assert.deepEqual(await session.variables.entry("temperature"), entry);
  },

  "a variable is found by its name and by its id": async (open) => {
    await using bench = await open();
    const session = await warm(bench);
    const { id } = await session.variables.entry("temperature");
    assert.equal(await session.variables.get(id), 0.7);
    assert.equal(await session.variables.set(id, 1), 1);
    assert.equal((await session.variables.entry(id)).name, "temperature");
    await fails(session.variables.get(`${id}0`), "VariableNotFound");
  },

  "an id leads to its variable also when another one has that name": async (open) => {
    await using bench = await open();
    const session = await warm(bench);
    const { id } = await session.variables.entry("temperature");
    await session.variables.register(id, { type: "string", value: "other" });
    assert.equal(await session.variables.get(id), 0.7);
  },

  "every success counts one version, and a failure none": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    assert.equal(await variables.set("temperature", 1), 1);
    const { constraint } = await fails<{ constraint: string }>(variables.set("temperature", 2.1), "VariableInvalid");
    assert.equal(constraint, "max");
    await fails(variables.set("temperature", -0.1), "VariableInvalid");
    await fails(variables.set("temperature", "1"), "VariableInvalid");
    await fails(variables.set("temperature", Number.NaN), "VariableInvalid");
    assert.equal(await variables.set("temperature", 1), 2);
    assert.deepEqual((await variables.entry("temperature")).version, 2);
  },

  "an expected version is a lock": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    assert.equal(await variables.set("temperature", 0.9, { expectedVersion: 0 }), 1);
    const conflict = await fails<{ expected: number; actual: number }>(
      variables.set("temperature", 0.8, { expectedVersion: 0 }),
      "VersionConflict",
    );
    assert.deepEqual([conflict.expected, conflict.actual], [0, 1]);
    assert.equal(await variables.get("temperature"), 0.9);
    await fails(variables.set("temperature", 1, { expectedVersion: -1 }), "InvalidOptions");
  },

  "update computes from the present value and answers the new one": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    assert.equal(await variables.update("temperature", (t) => t + 0.3), 1);
    assert.equal((await variables.entry("temperature")).version, 1);
    await fails(
      variables.update("temperature", () => 9),
      "VariableInvalid",
    );
    await fails(
      variables.update("nope", (t) => t),
      "VariableNotFound",
    );
    await assert.rejects(
      variables.update("temperature", () => {
        throw new RangeError("mine");
      }),
      RangeError,
    );
  },

  "many writers lose no update": async (open) => {
    await using bench = await open();
    const sessions = await Promise.all(Array.from({ length: 8 }, () => bench.session("shared")));
    await sessions[0]!.variables.register("count", { type: "integer", value: 0 });
    const writing = sessions.map(async ({ variables }) => {
      for (let i = 0; i < 25; i++) await variables.update<number>("count", (n) => n + 1);
    });
    await Promise.all(writing);
    const { value, version } = await sessions[0]!.variables.entry("count");
    assert.deepEqual([value, version], [200, 200]);
  },

  "metadata is merged, and an empty one changes nothing": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    await variables.register("v", { type: "integer", value: 1, metadata: { a: "1", b: "2" } });
    await variables.set("v", 2, { metadata: { b: "3", c: "4" } });
    await variables.set("v", 3);
    assert.deepEqual((await variables.entry("v")).metadata, { a: "1", b: "3", c: "4" });
    await fails(variables.set("v", 4, { metadata: { a: 1 } as never }), "InvalidOptions");
  },

  "registering a name that is there fails unless ifNotExists": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    await fails(variables.register("temperature", { type: "float", value: 1 }), "VariableExists");
    const entry = await variables.register("temperature", { type: "integer", value: 9, ifNotExists: true });
    assert.deepEqual([entry.value, entry.type, entry.version], [0.7, "float", 0]);
  },

  "a deleted variable is gone, and made again it is another one": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    const { id } = await variables.entry("temperature");
    assert.equal(await variables.delete("temperature"), true);
    assert.equal(await variables.delete("temperature"), false);
    await fails(variables.get("temperature"), "VariableNotFound");
    const again = await variables.register("temperature", { type: "string", value: "hot" });
    assert.notEqual(again.id, id);
    assert.equal(again.version, 0);
    await fails(variables.get(id), "VariableNotFound");
  },

  "variables are listed in the order they were made": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    for (const name of ["c", "a", "b"]) await variables.register(name, { type: "integer", value: 1 });
    await variables.set("c", 2);
    await variables.delete("a");
    await variables.register("a", { type: "integer", value: 3 });
    assert.deepEqual(
      (await variables.list()).map(({ name, value }) => [name, value]),
      [
        ["c", 2],
        ["b", 1],
        ["a", 3],
      ],
    );
  },

  "every type keeps its values": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    const values: Record<string, unknown[]> = {
      float: [0.1, 3, -0, Number.POSITIVE_INFINITY, Number.NaN],
      integer: [0, -7, 2 ** 53 - 1, 2n ** 70n],
      string: ["", "snäke 🐍"],
      boolean: [true, false],
      json: [null, { a: [1, { b: "c" }], "": null }, [1.5], "text", false, 2n ** 64n],
      bytes: [new Uint8Array(), new Uint8Array([0, 255])],
      embedding: [[0.5, 1, -2]],
      list: [[], [1, "a", null, new Uint8Array([1]), new Date(0)]],
    };
    for (const [type, all] of Object.entries(values)) {
      for (const [i, value] of all.entries()) {
        await variables.register(`${type}${i}`, { type, value });
        assert.deepEqual(await variables.get(`${type}${i}`), value, `${type} ${i}`);
      }
    }
    await variables.register("typed", { type: "embedding", value: new Float32Array([0.5, 1]) });
    assert.deepEqual(await variables.get("typed"), [0.5, 1]);
  },

  "what is read is the reader's own": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    const mine = { a: [1] };
    await variables.register("v", { type: "json", value: mine });
    mine.a.push(2);
    (await variables.get<typeof mine>("v")).a.push(3);
    assert.deepEqual(await variables.get("v"), { a: [1] });
  },

  "a batch read gives values and what is missing": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    await variables.register("n", { type: "json", value: null });
    assert.deepEqual(await variables.getMany(["temperature", "nope", "n"]), { values: { temperature: 0.7, n: null }, missing: ["nope"] });
    const names = Array.from({ length: 1_001 }, (_, i) => `v${i}`);
    assert.equal((await variables.getMany(names.slice(1))).missing.length, 1_000);
    await fails(variables.getMany(names), "InvalidOptions");
  },

  "a batch write changes all": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    await variables.register("a", { type: "string", value: "hello" });
    await variables.register("b", { type: "integer", value: 42 });
    const outcome = await variables.setMany({ a: "world", b: 100 }, { expectedVersions: { a: 0 }, metadata: { why: "batch" } });
    assert.deepEqual(outcome, { versions: { a: 1, b: 1 }, errors: {} });
    assert.deepEqual((await variables.entry("b")).metadata, { why: "batch" });
    assert.deepEqual(await variables.setMany({}), { versions: {}, errors: {} });
  },

  "an atomic batch with one bad value changes nothing and says which": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    await variables.register("a", { type: "integer", value: 1 });
    await variables.register("b", { type: "integer", value: 2, constraints: { max: 10 } });
    const failed = await fails<{ errors: Record<string, string> }>(variables.setMany({ a: 5, b: 20, nope: 1 }), "BatchFailed");
    assert.deepEqual(failed.errors, {
      b: 'Variable "b" must be at most 10.',
      nope: 'There is no variable "nope".',
    });
    const unsent = await fails<{ errors: Record<string, string> }>(variables.setMany({ a: 5, b: () => 6 }), "BatchFailed");
    assert.deepEqual(unsent.errors, { b: "The value at $ cannot travel: it is a function, which only the arguments of a call may hold." });
    const conflict = await fails<{ errors: Record<string, string> }>(
      variables.setMany({ a: 5, b: 6 }, { expectedVersions: { b: 3 } }),
      "BatchFailed",
    );
    assert.deepEqual(Object.keys(conflict.errors), ["b"]);
    for (const name of ["a", "b"]) assert.equal((await variables.entry(name)).version, 0);
    assert.deepEqual(await variables.getMany(["a", "b"]), { values: { a: 1, b: 2 }, missing: [] });
  },

  "a batch that is not atomic changes what it can": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    await variables.register("a", { type: "integer", value: 1 });
    await variables.register("b", { type: "integer", value: 2, constraints: { max: 10 } });
    const { versions, errors } = await variables.setMany({ b: 20, a: 5, nope: 1 }, { atomic: false });
    assert.deepEqual(versions, { a: 1 });
    assert.deepEqual(
      Object.entries(errors).map(([name, error]) => [name, (error as { _tag?: string })._tag]),
      [
        ["b", "VariableInvalid"],
        ["nope", "VariableNotFound"],
      ],
    );
    assert.deepEqual((await variables.getMany(["a", "b"])).values, { a: 5, b: 2 });
  },

  "one variable named twice in a batch is changed twice, in order": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    const { id } = await variables.register("a", { type: "integer", value: 1 });
    assert.deepEqual((await variables.setMany({ a: 2, [id]: 3 })).versions, { a: 1, [id]: 2 });
    assert.equal(await variables.get("a"), 3);
  },

  "a watcher sees the current value, then every change in order, then the end": async (open) => {
    await using bench = await open();
    const session = await warm(bench);
    const { variables } = session;
    const watch = variables.watch(["temperature", "later"]);
    const seen = [...(await take(watch, 1))];
    for (const value of [0.1, 0.2, 0.3]) await variables.set("temperature", value);
    await variables.register("unwatched", { type: "integer", value: 1 });
    await variables.register("later", { type: "integer", value: 1 });
    await variables.delete("temperature");
    await variables.register("temperature", { type: "string", value: "new" });
    await session.end();
    for await (const change of watch) seen.push(change);
    assert.deepEqual(
      seen.map(({ kind, name, value, version, coalesced }) => [kind, name, value, version, coalesced]),
      [
        ["set", "temperature", 0.7, 0, 0],
        ["set", "temperature", 0.1, 1, 0],
        ["set", "temperature", 0.2, 2, 0],
        ["set", "temperature", 0.3, 3, 0],
        ["set", "later", 1, 0, 0],
        ["deleted", "temperature", 0.3, 3, 0],
        ["set", "temperature", "new", 0, 0],
        ["ended", "", undefined, 0, 0],
      ],
    );
    assert.equal(new Set(seen.filter(({ name }) => name === "temperature").map(({ id }) => id)).size, 2);
  },

  "a watcher of everything begins with all variables": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    await variables.register("b", { type: "integer", value: 1 });
    const watch = variables.watch();
    assert.deepEqual(
      (await take(watch, 2)).map(({ name }) => name),
      ["temperature", "b"],
    );
    const next = watch.next();
    await variables.register("c", { type: "integer", value: 1 });
    assert.equal((await next).value?.name, "c");
    await watch.return?.();
  },

  "a watcher by id does not see another variable of that name": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    const { id } = await variables.entry("temperature");
    const watch = variables.watch([id]);
    await take(watch, 1);
    await variables.delete(id);
    await variables.register("temperature", { type: "float", value: 1 });
    const next = await watch.next();
    assert.equal(next.value?.kind, "deleted");
    await watch.return?.();
  },

  "a watcher within its buffer misses nothing, and one beyond gets the newest with a count": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("s");
    for (const name of ["a", "b"]) await variables.register(name, { type: "integer", value: 0 });
    const keeping = variables.watch(["a"]);
    const slow = variables.watch(["a", "b"]);
    await take(keeping, 1);
    await take(slow, 2);
    for (let i = 1; i <= 1_024; i++) await variables.set("a", i);
    assert.deepEqual(
      (await take(keeping, 1_024)).map(({ value, coalesced }) => [value, coalesced]),
      Array.from({ length: 1_024 }, (_, i) => [i + 1, 0]),
    );
    await variables.set("b", 1);
    await variables.set("a", 1_025);
    assert.deepEqual(
      (await take(slow, 2)).map(({ name, value, version, coalesced }) => [name, value, version, coalesced]),
      [
        ["b", 1, 1, 0],
        ["a", 1_025, 1_025, 1_024],
      ],
    );
    // Having caught up it misses nothing again.
    await variables.set("a", 1_026);
    assert.deepEqual(
      (await take(slow, 1)).map(({ value, coalesced }) => [value, coalesced]),
      [[1_026, 0]],
    );
    await keeping.return?.();
    await slow.return?.();
  },

  "a watch ends with its handle": async (open) => {
    await using bench = await open();
    const session = await warm(bench);
    const watch = session.variables.watch();
    await take(watch, 1);
    const waiting = watch.next();
    await session.close();
    assert.deepEqual(await waiting, { done: true, value: undefined });
    await fails(session.variables.watch().next(), "SessionClosed");
  },

  "a watch that waits can be left": async (open) => {
    await using bench = await open();
    const { variables } = await warm(bench);
    const watch = variables.watch();
    await take(watch, 1);
    const waiting = watch.next();
    await watch.return?.();
    assert.equal((await waiting).done, true);
  },

  "an Effect stream watches too, and ends with its scope": async (open) => {
    await using bench = await open();
    const program = Effect.gen(function* () {
      const session: EffectSession = yield* make("user-42");
      yield* session.variables.register("temperature", { type: "float", value: 0.7 });
      yield* session.variables.set("temperature", 0.9);
      return yield* session.variables.watch(["temperature"]).pipe(Stream.take(1), Stream.runCollect);
    });
    const changes = await bench.run(Effect.provideService(program, Sessions, bench.manager));
    assert.deepEqual(
      changes.map(({ value, version }) => [value, version]),
      [[0.9, 1]],
    );
  },

  "a session made in a scope is released with it, and ends if it has no id": async (open) => {
    await using bench = await open();
    const program = Effect.gen(function* () {
      const named = yield* make("named");
      yield* named.variables.register("v", { type: "integer", value: 1 });
      const session = yield* make();
      return session;
    });
    const session = await bench.run(Effect.provideService(program, Sessions, bench.manager));
    await fails(bench.run(session.variables.get("v")), "SessionClosed");
    assert.deepEqual(
      (await bench.run(bench.manager.list)).map(({ id, handles, variables }) => [id, handles, variables]),
      [["named", 0, 1]],
    );
  },

  "events are a stream too": async (open) => {
    await using bench = await open();
    const events = bench.run(bench.manager.events.pipe(Stream.take(2), Stream.runCollect));
    // A stream listens once it runs; a session at every turn of the loop makes sure that it hears of two.
    let seen = false;
    void events.then(() => {
      seen = true;
    });
    while (!seen) {
      await (await bench.session()).close();
      await new Promise((turn) => setImmediate(turn));
    }
    assert.ok((await events).every(({ kind }) => kind === "created" || kind === "released" || kind === "ended"));
  },

  "closing everything closes every handle, and none is opened afterwards": async (open) => {
    const bench = await open();
    const session = await bench.session("s");
    const watch = session.variables.watch();
    const next = watch.next();
    await session.variables.list();
    await bench[Symbol.asyncDispose]();
    assert.equal((await next).done, true);
    await fails(session.variables.list(), "SessionClosed");
    await fails(bench.session("s"), "StoreFailed");
    await fails(bench.session(), "StoreFailed");
  },

  "handles share a session, and closing one leaves the state": async (open) => {
    await using bench = await open();
    const first = await warm(bench, "shared");
    const second = await bench.session("shared");
    await first.variables.set("temperature", 1);
    assert.equal(await second.variables.get("temperature"), 1);
    assert.equal((await second.info()).handles, 2);
    await first.close();
    await first.close();
    await fails(first.variables.get("temperature"), "SessionClosed");
    await fails(first.info(), "SessionClosed");
    await second.close();
    const third = await bench.session("shared");
    assert.equal(await third.variables.get("temperature"), 1);
  },

  "ending a session takes its state from every handle, and a second time answers false": async (open) => {
    await using bench = await open();
    const first = await warm(bench, "shared");
    const second = await bench.session("shared");
    assert.equal(await first.end(), true);
    assert.equal(await first.end(), false);
    assert.equal(await second.end(), false);
    const third = await bench.session("shared");
    assert.deepEqual(await third.variables.list(), []);
  },

  "a handle does not reach a session that was made later under the same id": async (open) => {
    await using bench = await open();
    const old = await warm(bench, "shared");
    await (await bench.session("shared")).end();
    const { variables } = await warm(bench, "shared");
    await fails(old.variables.set("temperature", 1), "SessionNotFound");
    assert.equal(await old.end(), false);
    assert.equal(await variables.get("temperature"), 0.7);
  },

  "a session without an id ends with its handle": async (open) => {
    await using bench = await open();
    const session = await bench.session();
    await session.variables.register("v", { type: "integer", value: 1 });
    assert.equal((await bench.run(bench.manager.list)).length, 1);
    await session.close();
    assert.deepEqual(await bench.run(bench.manager.list), []);
  },

  "metadata of a session is kept and merged": async (open) => {
    await using bench = await open();
    await bench.session("s", { metadata: { user: "42", lang: "de" } });
    const again = await bench.session("s", { metadata: { lang: "en" } });
    assert.deepEqual(again.metadata, { user: "42", lang: "en" });
    assert.deepEqual((await again.info()).metadata, { user: "42", lang: "en" });
  },

  "a session lives from its last use on, and then is expired": async (open) => {
    await using bench = await open({ turnedByHand: true });
    const session = await bench.session("s", { ttlMs: HOUR });
    await session.variables.register("v", { type: "integer", value: 1 });
    await bench.wait(50 * MINUTE);
    await session.variables.get("v");
    await bench.wait(50 * MINUTE);
    await session.variables.set("v", 2);
    await bench.wait(HOUR - 2_000);
    assert.equal(await session.variables.get("v"), 2);
    await bench.wait(HOUR);
    await fails(session.variables.get("v"), "SessionExpired");
    await fails(session.variables.set("v", 3), "SessionExpired");
    const again = await bench.session("s");
    assert.deepEqual(await again.variables.list(), []);
  },

  "opening a session past its time makes it anew and says that the other one expired": async (open) => {
    await using bench = await open({ turnedByHand: true, ttlMs: MINUTE });
    const events: string[] = [];
    bench.manager.onEvent(({ kind }) => events.push(kind));
    const old = await warm(bench);
    await bench.wait(MINUTE);
    const { variables } = await warm(bench);
    await fails(old.variables.get("temperature"), "SessionExpired");
    assert.equal(await variables.get("temperature"), 0.7);
    assert.deepEqual(events, ["created", "expired", "created"]);
  },

  "sessions past their time are cleaned up at every interval, and their watchers hear the end": async (open) => {
    await using bench = await open({ turnedByHand: true, ttlMs: MINUTE });
    const events: string[] = [];
    bench.manager.onEvent(({ kind, session }) => events.push(`${kind} ${session.id}`));
    const session = await warm(bench, "short");
    await bench.session("long", { ttlMs: Number.POSITIVE_INFINITY });
    const watch = session.variables.watch();
    await take(watch, 1);
    const next = watch.next();
    await bench.wait(5 * MINUTE);
    assert.equal((await next).value?.kind, "ended");
    assert.equal((await watch.next()).done, true);
    await fails(session.variables.get("temperature"), "SessionExpired");
    assert.deepEqual(
      (await bench.run(bench.manager.list)).map(({ id }) => id),
      ["long"],
    );
    await session.close();
    assert.deepEqual(events, ["created short", "created long", "expired short", "released short"]);
  },

  "events tell of sessions that are made, released and ended": async (open) => {
    await using bench = await open();
    const events: string[] = [];
    const forget = bench.manager.onEvent(({ kind, session }) => events.push(`${kind} ${session.id} ${session.handles}`));
    const one = await bench.session("s");
    const two = await bench.session("s");
    await one.close();
    await two.end();
    forget();
    await bench.session("unheard");
    assert.deepEqual(events, ["created s 1", "ended s 1", "released s 0"]);
  },

  "quotas hold": async (open) => {
    await using bench = await open({ maxSessions: 2, maxVariables: 2, maxSessionBytes: 1_000 });
    const session = await bench.session("one");
    await bench.session("two");
    await fails(bench.session("three"), "QuotaExceeded");
    await bench.session("one");
    const { variables } = session;
    await variables.register("a", { type: "bytes", value: new Uint8Array(500) });
    await fails(variables.register("b", { type: "bytes", value: new Uint8Array(600) }), "QuotaExceeded");
    await variables.register("b", { type: "bytes", value: new Uint8Array(100) });
    const { quota } = await fails<{ quota: string }>(variables.register("c", { type: "integer", value: 1 }), "QuotaExceeded");
    assert.equal(quota, "maxVariables");
    await fails(variables.set("b", new Uint8Array(500)), "QuotaExceeded");
    await variables.set("a", new Uint8Array(1));
    await variables.set("b", new Uint8Array(500));
    await fails(variables.setMany({ a: new Uint8Array(300), b: new Uint8Array(700) }), "BatchFailed");
    const info = await session.info();
    assert.equal(info.variables, 2);
    await variables.delete("a");
    await variables.delete("b");
    assert.deepEqual([(await session.info()).variables, (await session.info()).bytes], [0, 0]);
    await session.end();
    await bench.session("three");
  },

  "options that make no sense are refused by name": async (open) => {
    await using bench = await open();
    const option = async (promise: Promise<unknown>) => (await fails<{ option: string }>(promise, "InvalidOptions")).option;
    assert.equal(await option(bench.session("")), "id");
    assert.equal(await option(bench.session("s", { ttlMs: 0 })), "ttlMs");
    assert.equal(await option(bench.session("s", { ttl: 1 } as never)), "ttl");
    const { variables } = await bench.session("s");
    assert.equal(await option(variables.register("", { type: "float", value: 1 })), "name");
    assert.equal(await option(variables.register("v", { type: "flaot", value: 1 })), "type");
    assert.equal(await option(variables.register("v", { type: "float", value: 1, constraints: { pattern: "a" } })), "constraints.pattern");
    assert.equal(await option(variables.register("v", { type: "choice", value: "a" })), "constraints.choices");
    assert.equal(await option(variables.set("v", 1, { version: 1 } as never)), "version");
    assert.equal(await option(variables.get(undefined as never)), "names");
    assert.equal(await option(variables.getMany("ab" as never)), "names");
    assert.equal(await option(variables.set(1 as never, 1)), "names");
    assert.equal(await option(variables.setMany(null as never)), "values");
    assert.equal(await option(variables.watch("ab" as never).next()), "names");
    await fails(variables.register("v", { type: "json", value: () => 1 }), "UnsupportedValue");
    assert.deepEqual(await variables.list(), []);
  },

  "names that JavaScript has a use for are names like others": async (open) => {
    await using bench = await open();
    const { variables } = await bench.session("__proto__");
    for (const name of ["__proto__", "constructor", "var_x_1", "a b", "🐍", "'; DROP TABLE variables; --"]) {
      await variables.register(name, { type: "integer", value: 1 });
      await variables.set(name, 2);
      const { values } = await variables.getMany([name]);
      assert.deepEqual(Object.entries(values), [[name, 2]]);
    }
  },
};
