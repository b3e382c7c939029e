/** Sessions that TypeScript and Python share, with real workers: over every store, and with both faces that Python has. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Effect, Layer } from "effect";
import { Session as EffectSession } from "../src/effect.ts";
import { type Session, Snakepit, type SnakepitError, sqlite } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { failure, temporaryFolder, toolFile, until } from "./pool.support.ts";

/** What Python says of a variable. */
interface PythonVariable {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly value: unknown;
  readonly version: number;
  readonly constraints: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
  readonly source: { readonly side: string; readonly worker: string; readonly tool: string };
}

interface CacheStats {
  readonly size: number;
  readonly hits: number;
  readonly misses: number;
  readonly evictions: number;
  readonly sets: number;
  readonly hit_rate: number;
}

/** Python's session, whose methods are called by name. */
class PythonSession {
  readonly #session: Session;
  readonly #tool: string;

  constructor(session: Session, tool: string) {
    this.#session = session;
    this.#tool = tool;
  }

  use<Result>(method: string, args: readonly unknown[] = [], kwargs: Readonly<Record<string, unknown>> = {}): Promise<Result> {
    return this.#session.execute<Result>(this.#tool, { method, args, kwargs });
  }

  get(name: string, options?: { readonly default?: unknown; readonly bypass_cache?: boolean }): Promise<unknown> {
    return this.use("get_variable", [name], options);
  }

  set(
    name: string,
    value: unknown,
    options?: { readonly expected_version?: number; readonly metadata?: Readonly<Record<string, string>> },
  ) {
    return this.use<number>("set_variable", [name, value], options);
  }

  stats(): Promise<CacheStats> {
    return this.use("get_cache_stats");
  }
}

const stores = { memory: () => undefined, SQLite: () => sqlite({ file: join(temporaryFolder(), "sessions.db") }) };
const faces = { Session: { use: "use", increase: "increase" }, AsyncSession: { use: "use_async", increase: "increase_async" } };

for (const [kind, store] of Object.entries(stores)) {
  describe(`over ${kind}`, () => {
    let pit: Snakepit;
    beforeAll(async () => {
      pit = await Snakepit.open({ tools: toolFile("session"), workers: 2, store: store(), onLog: () => {} });
    });
    afterAll(() => pit.close());

    for (const [face, tools] of Object.entries(faces)) {
      describe(`with ${face}`, () => {
        const open = async (): Promise<{ session: Session; python: PythonSession }> => {
          const session = await pit.session();
          return { session, python: new PythonSession(session, tools.use) };
        };

        test("TypeScript registers a variable, and Python reads it with all that is known of it", async () => {
          const { session, python } = await open();
          const { id } = await session.variables.register("temperature", {
            type: "float",
            value: 0.7,
            constraints: { min: 0, max: 2 },
            metadata: { description: "of the model" },
          });
          expect(id).toStartWith("var_temperature_");
          expect(await python.get("temperature")).toBe(0.7);
          const entry = await python.use<PythonVariable>("variable_entry", ["temperature"]);
          expect(entry).toMatchObject({ id, name: "temperature", type: "float", value: 0.7, version: 0, constraints: { min: 0, max: 2 } });
          expect(entry.metadata).toEqual({ description: "of the model" });
          expect(entry.source.side).toBe("typescript");
        });

        test("Python sets a variable, and TypeScript reads it with its source", async () => {
          const { session, python } = await open();
          await session.variables.register("max_tokens", { type: "integer", value: 256, constraints: { min: 1, max: 4_096 } });
          expect(await python.set("max_tokens", 512, { metadata: { reason: "user_preference" } })).toBe(1);
          const { value, version, source, metadata } = await session.variables.entry("max_tokens");
          expect({ value, version, metadata }).toEqual({ value: 512, version: 1, metadata: { reason: "user_preference" } });
          expect(source).toMatchObject({ side: "python", tool: tools.use });
          const ids = (await pit.workers()).map((worker) => worker.id);
          expect(ids).toContain(String("worker" in source && source.worker));
        });

        test("Python registers a variable, and TypeScript changes it", async () => {
          const { session, python } = await open();
          const made = await python.use<PythonVariable>("register_variable", ["mode", "choice", "fast"], {
            constraints: { choices: ["fast", "good"] },
          });
          expect(made).toMatchObject({ version: 0, source: { side: "python" } });
          expect(await session.variables.set("mode", "good")).toBe(1);
          expect(await python.get("mode")).toBe("good");
          expect((await failure(session.variables.set("mode", "bad")))._tag).toBe("VariableInvalid");
          const again = python.use("register_variable", ["mode", "choice", "fast"], { constraints: { choices: ["fast", "good"] } });
          expect((await failure(again))._tag).toBe("VariableExists");
          const kept = python.use<PythonVariable>("register_variable", ["mode", "string", "x"], { if_not_exists: true });
          expect(await kept).toMatchObject({ value: "good", version: 1 });
        });

        test("a value that does not fit is refused in both languages, and changes nothing", async () => {
          const { session, python } = await open();
          await session.variables.register("strict_int", { type: "integer", value: 10, constraints: { min: 0, max: 100 } });
          const refused = await failure(python.set("strict_int", 150));
          expect(refused).toMatchObject({ _tag: "VariableInvalid", constraint: "max" });
          expect((await failure(session.variables.set("strict_int", 150))).message).toBe(refused.message);
          for (const wrong of [1.5, true, "10", null])
            expect((await failure(python.set("strict_int", wrong)))._tag).toBe("VariableInvalid");
          const { value, version } = await session.variables.entry("strict_int");
          expect({ value, version }).toEqual({ value: 10, version: 0 });
          expect(await python.set("strict_int", 75)).toBe(1);
          expect(await python.get("strict_int")).toBe(75);
        });

        test("what only the host can check is refused in Python all the same", async () => {
          const { session, python } = await open();
          await session.variables.register("code", { type: "string", value: "a1", constraints: { pattern: "^[a-z][0-9]$" } });
          await session.variables.register("point", {
            type: "point",
            value: { x: 1 },
            constraints: { schema: { type: "object", properties: { x: { type: "integer" } }, required: ["x"] } },
          });
          expect(await failure(python.set("code", "1a"))).toMatchObject({ _tag: "VariableInvalid", constraint: "pattern" });
          expect(await failure(python.set("point", { y: 1 }))).toMatchObject({ _tag: "VariableInvalid", constraint: "schema" });
          expect(await python.set("point", { x: 2 })).toBe(1);
        });

        test("a batch of reads gives values and what is missing", async () => {
          const { session, python } = await open();
          await session.variables.register("var1", { type: "string", value: "hello" });
          await session.variables.register("var2", { type: "integer", value: 42 });
          await session.variables.register("var3", { type: "boolean", value: true });
          expect(await python.use<unknown>("get_variables", [["var1", "var2", "var3", "nonexistent"]])).toEqual({
            values: { var1: "hello", var2: 42, var3: true },
            missing: ["nonexistent"],
          });
        });

        test("a batch of writes changes all, and both sides read it", async () => {
          const { session, python } = await open();
          await session.variables.register("var1", { type: "string", value: "hello" });
          await session.variables.register("var2", { type: "integer", value: 42 });
          const written = await python.use<unknown>("update_variables", [{ var1: "world", var2: 100 }]);
          expect(written).toEqual({ versions: { var1: 1, var2: 1 }, errors: {} });
          expect(await session.variables.getMany(["var1", "var2"])).toEqual({ values: { var1: "world", var2: 100 }, missing: [] });
          expect(await python.use<unknown>("get_variables", [["var1", "var2"]])).toEqual({
            values: { var1: "world", var2: 100 },
            missing: [],
          });
        });

        test("an atomic batch of which one value is bad changes nothing and says which", async () => {
          const { session, python } = await open();
          await session.variables.register("a", { type: "integer", value: 1 });
          await session.variables.register("b", { type: "integer", value: 2, constraints: { max: 10 } });
          const refused = await failure(python.use("update_variables", [{ a: 5, b: 20 }]));
          expect(refused).toMatchObject({ _tag: "BatchFailed", errors: { b: 'Variable "b" must be at most 10.' } });
          for (const [name, was] of [
            ["a", 1],
            ["b", 2],
          ] as const) {
            const { value, version } = await session.variables.entry(name);
            expect({ value, version }).toEqual({ value: was, version: 0 });
            expect(await python.get(name)).toBe(was);
          }
        });

        test("a batch that is not atomic changes what it can", async () => {
          const { session, python } = await open();
          await session.variables.register("a", { type: "integer", value: 1 });
          await session.variables.register("b", { type: "integer", value: 2, constraints: { max: 10 } });
          const written = await python.use<unknown>("update_variables", [{ a: 5, b: 20, nope: 1 }], { atomic: false });
          expect(written).toEqual({ versions: { a: 1 }, errors: { b: "VariableInvalid", nope: "VariableNotFound" } });
          expect((await session.variables.getMany(["a", "b"])).values).toEqual({ a: 5, b: 2 });
        });

        test("a batch holds at most 1,000 variables, in both directions", async () => {
          const { session, python } = await open();
          const names = Array.from({ length: 1_001 }, (_, n) => `v${n}`);
          for (const name of names.slice(1)) await session.variables.register(name, { type: "integer", value: 0 });
          const written = await python.use<{ versions: object }>("update_variables", [
            Object.fromEntries(names.slice(1).map((name) => [name, 1])),
          ]);
          expect(Object.keys(written.versions)).toHaveLength(1_000);
          const read = await python.use<{ values: Record<string, number> }>("get_variables", [names.slice(1)], { bypass_cache: true });
          expect(Object.values(read.values).every((value) => value === 1)).toBe(true);
          expect(Object.keys(read.values)).toHaveLength(1_000);
          expect((await failure(python.use("get_variables", [names])))._tag).toBe("InvalidOptions");
        });

        test("a variable is read again from what the worker keeps, and from the host when asked to", async () => {
          const { session, python } = await open();
          await session.variables.register("cached_var", { type: "float", value: 1 });
          // Whatever its first call brought along.
          await python.use("invalidate_cache");
          const before = await python.stats();
          expect(await python.get("cached_var")).toBe(1);
          expect(await python.get("cached_var")).toBe(1);
          expect(await python.get("cached_var", { bypass_cache: true })).toBe(1);
          const { hits, misses } = await python.stats();
          expect({ hits: hits - before.hits, misses: misses - before.misses }).toEqual({ hits: 1, misses: 2 });
        });

        test("what a worker keeps is never older than a call that is made after a change", async () => {
          const { session, python } = await open();
          await session.variables.register("cached_var", { type: "integer", value: 0 });
          await python.use("set_cache_config", [], { ttl_seconds: 3_600 });
          for (let n = 1; n <= 200; n++) {
            expect(await python.get("cached_var")).toBe(n - 1);
            await session.variables.set("cached_var", n);
            expect(await python.get("cached_var")).toBe(n);
          }
          expect((await python.stats()).hits).toBeGreaterThanOrEqual(200);
        });

        test("what a worker keeps is right also after a change of its own was refused", async () => {
          const { session, python } = await open();
          await session.variables.register("n", { type: "integer", value: 0, constraints: { max: 10 } });
          await session.variables.register("code", { type: "string", value: "a", constraints: { pattern: "^[a-z]$" } });
          await python.use("set_cache_config", [], { ttl_seconds: 3_600 });
          await python.use("get_variables", [["n", "code"]]);
          expect((await failure(python.set("n", 1, { expected_version: 7 })))._tag).toBe("VersionConflict");
          expect((await failure(python.set("code", "1")))._tag).toBe("VariableInvalid");
          await session.variables.setMany({ n: 2, code: "b" });
          expect([await python.get("n"), await python.get("code")]).toEqual([2, "b"]);
          await python.use("update_variables", [{ n: 3, code: "2" }], { atomic: false });
          expect(await python.get("code")).toBe("b");
          await python.use("update_variables", [{ n: 3, code: "2" }], { atomic: false });
          await session.variables.setMany({ n: 4, code: "c" });
          expect([await python.get("n"), await python.get("code")]).toEqual([4, "c"]);
        });

        test("what is let go of is asked for again: one variable, or all", async () => {
          const { session, python } = await open();
          await session.variables.register("test_str", { type: "string", value: "hello" });
          await session.variables.register("test_int", { type: "integer", value: 42 });
          await python.use("get_variables", [["test_str", "test_int"]]);
          expect((await python.stats()).size).toBe(2);
          await python.use("invalidate_cache", ["test_str"]);
          const before = await python.stats();
          expect(before.size).toBe(1);
          expect(await python.get("test_str")).toBe("hello");
          expect((await python.stats()).misses).toBe(before.misses + 1);
          await python.use("invalidate_cache");
          expect((await python.stats()).size).toBe(0);
        });

        test("None and False that are kept are hits, and what there is not is never kept", async () => {
          const { session, python } = await open();
          await session.variables.register("nothing", { type: "json", value: null });
          await session.variables.register("no", { type: "boolean", value: false });
          for (const name of ["nothing", "no"]) await python.get(name);
          const before = await python.stats();
          expect(await python.get("nothing")).toBe(null);
          expect(await python.get("no")).toBe(false);
          expect(await python.get("later", { default: "not there" })).toBe("not there");
          const after = await python.stats();
          expect({ hits: after.hits - before.hits, size: after.size }).toEqual({ hits: 2, size: 2 });
          await session.variables.register("later", { type: "integer", value: 1 });
          expect(await python.get("later", { default: "not there" })).toBe(1);
        });

        test("the cache goes by age and by size, and can be turned off", async () => {
          const { session, python } = await open();
          for (const name of ["a", "b", "c"]) await session.variables.register(name, { type: "integer", value: 1 });
          await python.use("set_cache_config", [], { max_size: 2 });
          for (const name of ["a", "b", "c"]) await python.get(name);
          const full = await python.stats();
          expect(full).toMatchObject({ size: 2, max_size: 2 });
          expect(full.evictions).toBeGreaterThanOrEqual(1);
          await python.get("b");
          expect((await python.stats()).hits).toBe(full.hits + 1);
          await python.use("set_cache_config", [], { ttl_seconds: 0 });
          await python.get("b");
          expect((await python.stats()).hits).toBe(full.hits + 1);
          await python.use("set_cache_config", [], { enabled: false });
          expect(await python.get("b")).toBe(1);
          expect(await python.stats()).toMatchObject({ size: 0, enabled: false });
        });

        test("a variable is found by its name and by its id, in both languages", async () => {
          const { session, python } = await open();
          const { id } = await session.variables.register("my_var", { type: "string", value: "test" });
          expect(await python.get("my_var")).toBe("test");
          expect(await python.get(id)).toBe("test");
          expect(await python.use<PythonVariable>("variable_entry", ["my_var"])).toMatchObject({ id, name: "my_var" });
          expect(await python.use<PythonVariable>("variable_entry", [id])).toMatchObject({ id, name: "my_var" });
          expect(await python.set(id, "changed")).toBe(1);
          expect(await python.get("my_var")).toBe("changed");
          expect(await session.variables.get(id)).toBe("changed");
        });

        test("a variable that there is not has its default, or is an error", async () => {
          const { python } = await open();
          expect(await python.get("nonexistent", { default: 999 })).toBe(999);
          expect(await python.get("nonexistent", { default: null })).toBe(null);
          expect(await failure(python.get("nonexistent"))).toMatchObject({ _tag: "VariableNotFound", variable: "nonexistent" });
          expect((await failure(python.set("nonexistent", 1)))._tag).toBe("VariableNotFound");
        });

        test("an expected version is a lock between the languages", async () => {
          const { session, python } = await open();
          await session.variables.register("n", { type: "integer", value: 0 });
          expect(await python.set("n", 1, { expected_version: 0 })).toBe(1);
          expect(await failure(session.variables.set("n", 2, { expectedVersion: 0 }))).toMatchObject({
            _tag: "VersionConflict",
            actual: 1,
          });
          expect(await session.variables.set("n", 2, { expectedVersion: 1 })).toBe(2);
          expect(await failure(python.set("n", 3, { expected_version: 1 }))).toMatchObject({ _tag: "VersionConflict", actual: 2 });
        });

        test("both languages add to one variable at once, and nothing is lost", async () => {
          const { session } = await open();
          await session.variables.register("count", { type: "integer", value: 0 });
          const adding = Array.from({ length: 40 }, (_, n) =>
            n % 2 === 0
              ? session.execute(tools.increase, { name: "count", by: 1 })
              : session.variables.update<number>("count", (value) => value + 1),
          );
          await Promise.all(adding);
          const { value, version } = await session.variables.entry("count");
          expect({ value, version }).toEqual({ value: 40, version: 40 });
        });

        test("variables are listed and deleted by either side", async () => {
          const { session, python } = await open();
          await session.variables.register("mine", { type: "integer", value: 1 });
          await python.use("register_variable", ["yours", "integer", 2]);
          const listed = await python.use<PythonVariable[]>("list_variables");
          expect(listed.map(({ name, value }) => [name, value])).toEqual([
            ["mine", 1],
            ["yours", 2],
          ]);
          expect(await python.use("delete_variable", ["mine"])).toBe(true);
          expect(await python.use("delete_variable", ["mine"])).toBe(false);
          expect((await failure(session.variables.get("mine")))._tag).toBe("VariableNotFound");
          await session.variables.delete("yours");
          expect((await failure(python.get("yours")))._tag).toBe("VariableNotFound");
        });

        test("every type comes back as it went, through Python", async () => {
          const { session, python } = await open();
          const values: Readonly<Record<string, unknown>> = {
            float: 3.14,
            integer: 2n ** 70n,
            string: "snäke 🐍",
            boolean: false,
            json: { a: [1, { b: null }], "": "x" },
            bytes: new Uint8Array([0, 255]),
            embedding: [0.5, 1, -2],
            list: [1, "a", null],
          };
          for (const [type, value] of Object.entries(values)) {
            await session.variables.register(type, { type, value });
            expect(await python.get(type)).toEqual(value);
            expect(await python.set(type, await session.variables.get(type))).toBe(1);
            expect(await session.variables.get(type)).toEqual(value);
          }
        });

        test("a session that has ended is gone for Python too", async () => {
          const session = await pit.session(`ends ${kind} ${face}`);
          const other = await pit.session(`ends ${kind} ${face}`);
          const python = new PythonSession(other, tools.use);
          await session.variables.register("v", { type: "integer", value: 1 });
          expect(await python.get("v")).toBe(1);
          expect(await session.end()).toBe(true);
          expect(await session.end()).toBe(false);
          expect((await failure(python.get("v")))._tag).toBe("SessionNotFound");
          const again = await pit.session(`ends ${kind} ${face}`);
          expect(await new PythonSession(again, tools.use).get("v", { default: "gone" })).toBe("gone");
          await again.end();
        });
      });
    }

    test("the user's own id and words reach the tool, and opening a session twice is opening one", async () => {
      const one = await pit.session(`user-42 ${kind}`, { metadata: { lang: "de" } });
      const two = await pit.session(`user-42 ${kind}`);
      const [id, metadata] = await one.execute<[string, object, number]>("who");
      expect({ id, metadata }).toEqual({ id: `user-42 ${kind}`, metadata: { lang: "de" } });
      expect((await two.execute<[string, object, number]>("who")).slice(0, 2)).toEqual([id, metadata]);
      expect((await pit.sessions()).filter((session) => session.id === id)).toHaveLength(1);
      await one.end();
    });

    test("quotas and the time of a session hold for Python too", async () => {
      await using small = await Snakepit.open({
        tools: toolFile("session"),
        workers: 1,
        store: store(),
        sessions: { maxVariables: 1, maxSessionBytes: 1_000 },
        onLog: () => {},
      });
      const session = await small.session("short", { ttlMs: 500 });
      const python = new PythonSession(session, "use");
      await python.use("register_variable", ["a", "string", "x"]);
      const many = failure(python.use("register_variable", ["b", "string", "x"]));
      expect(await many).toMatchObject({ _tag: "QuotaExceeded", quota: "maxVariables" });
      expect(await failure(python.set("a", "x".repeat(1_000)))).toMatchObject({ _tag: "QuotaExceeded", quota: "maxSessionBytes" });
      expect(await python.get("a", { bypass_cache: true })).toBe("x");
      // Listing is no use of a session.
      await until(async () => (await small.sessions()).length === 0);
      expect((await failure(python.get("a")))._tag).toBe("SessionExpired");
      const again = new PythonSession(await small.session("short"), "use");
      expect(await again.use<unknown[]>("list_variables")).toEqual([]);
    });

    test("outside a session there are no variables, for Python either", async () => {
      const outside = failure(pit.execute("use", { method: "get_variable", args: ["a"], kwargs: {} }));
      expect((await outside)._tag).toBe("SessionNotFound");
    });

    test("variables outlive every worker", async () => {
      const session = await pit.session();
      await session.variables.register("v", { type: "integer", value: 1 });
      const python = new PythonSession(session, "use");
      expect(await python.set("v", 2)).toBe(1);
      const [, , pid] = await session.execute<[string, object, number]>("who");
      const worker = (await pit.workers()).find((each) => each.pid === pid);
      const { crashes } = pit.stats();
      await killWorker(pit, worker?.id);
      await until(() => pit.stats().crashes === crashes + 1);
      expect(await python.get("v")).toBe(2);
      expect((await session.execute<[string, object, number]>("who"))[2]).not.toBe(pid);
    });
  });
}

test("a session that another program has made anew keeps what Python stores for it", async () => {
  const open = () => Snakepit.open({ tools: toolFile("session"), workers: 1, store: sqlite({ file }), onLog: () => {} });
  const file = join(temporaryFolder(), "sessions.db");
  await using pit = await open();
  await using other = await open();
  const old = await pit.session("shared");
  await old.execute("who");
  await (await other.session("shared")).end();
  const next = await pit.session("shared");
  const python = new PythonSession(next, "use");
  await python.use("store_local_object", ["model", 1]);
  // The end of the old one is noticed a little later.
  await old.close();
  expect(await python.use<number>("get_local_object", ["model"])).toBe(1);
});

describe("a call whose session is gone before the store has said what workers need", () => {
  for (const [how, tag] of Object.entries({ close: "SessionClosed", end: "SessionNotFound" })) {
    test(`by ${how} is never made`, async () => {
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
      const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
      const slow = Effect.map(EffectSession.Store, (store): EffectSession.StoreService => {
        const load: typeof store.load = (key, wanted, now) => {
          const loaded = store.load(key, wanted, now);
          if (wanted !== "all") return loaded;
          ask();
          return Effect.tap(loaded, () => Effect.promise(() => answered));
        };
        return { ...store, load };
      });
      const memory = Layer.effect(EffectSession.Store, slow).pipe(Layer.provide(EffectSession.Store.layerMemory));
      await using pit = await Snakepit.open({ tools: toolFile("session"), workers: 1, store: memory, onLog: () => {} });
      const session = await pit.session("short");
      const call = failure(session.execute("who"));
      await asked;
      if (how === "close") await session.close();
      else await (await pit.session("short")).end();
      answer();
      expect((await call)._tag).toBe(tag as SnakepitError["_tag"]);
    });
  }
});
