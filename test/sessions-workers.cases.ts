/** What sessions, workers and functions of the program are to one another, on every runtime: each case is a sentence and a program that fails when it is not true. */
import assert from "node:assert/strict";
import { ObjectRef, type PitEvent, Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { collect, failure, toolFile, until } from "./pool.support.ts";

/** A pit of two workers, and what happened to its sessions. */
export interface Open {
  readonly pit: Snakepit;
  readonly events: readonly PitEvent[];
}

/** Opens what every case is given. */
export async function open(): Promise<Open> {
  const events: PitEvent[] = [];
  const pit = await Snakepit.open({
    tools: toolFile("session"),
    workers: 2,
    onEvent: (event) => events.push(event),
    onLog: () => {},
  });
  return { pit, events };
}

type Use = readonly [method: string, args?: readonly unknown[], kwargs?: Readonly<Record<string, unknown>>];
const uses = ([method, args = [], kwargs = {}]: Use): { method: string; args: readonly unknown[]; kwargs: object } => ({
  method,
  args,
  kwargs,
});

/** The cases by their sentence. */
export const cases: Readonly<Record<string, (open: Open) => Promise<void>>> = {
  "what a tool stores is there for the session's later calls, and lost by name when its worker is killed": async ({ pit, events }) => {
    await using session = await pit.session("stateful");
    const [, , pid] = await session.execute<[string, object, number]>("who");
    await session.execute("use", uses(["store_local_object", ["model", { weights: [1, 2] }]]));
    assert.deepEqual(await session.execute("use", uses(["get_local_object", ["model"]])), { weights: [1, 2] });
    const worker = (await pit.workers()).find((each) => each.pid === pid);
    await killWorker(pit, worker?.id);
    const lost = await failure(session.execute("use", uses(["get_local_object", ["model"]])));
    if (lost._tag === "WorkerCrashed")
      assert.equal((await failure(session.execute("use", uses(["get_local_object", ["model"]]))))._tag, "ObjectLost");
    else assert.equal(lost._tag, "ObjectLost");
    const moved = events.find((event) => event.type === "session.moved" && event.session === "stateful");
    assert.ok(moved !== undefined);
  },

  "a worker that a session moves to is told of what it kept from before": async ({ pit }) => {
    await using session = await pit.session();
    // More than a worker is given before it asks.
    const large = (letter: string): string => letter.repeat(10_000);
    await session.variables.register("large", { type: "string", value: large("a") });
    const [, , home] = await session.execute<[string, object, number]>("who");
    const { promise: waits, resolve: waiting } = Promise.withResolvers<void>();
    const { promise: over, resolve: go } = Promise.withResolvers<void>();
    session.provide("wait", () => {
      waiting();
      return over;
    });
    // Of a tool that was not called before, so nobody takes it for quick and sends another call behind it.
    const held = session.execute("caught", { name: "wait" });
    await waits;
    const read = () => session.execute<string>("use", uses(["get_variable", ["large"]]));
    await session.execute("use", uses(["set_cache_config", [], { ttl_seconds: 3_600 }]));
    assert.equal(await read(), large("a"));
    go();
    await held;
    const gone = (await pit.workers()).find(({ pid }) => pid === home);
    await killWorker(pit, gone?.id);
    await until(async () => (await pit.workers()).every(({ id }) => id !== gone?.id));
    assert.equal(await read(), large("a"));
    await session.variables.set("large", large("b"));
    assert.equal(await read(), large("b"));
  },

  "a reference comes back as the object, in its worker, until it is released": async ({ pit }) => {
    await using session = await pit.session();
    const ref = await session.execute<ObjectRef>("counter");
    assert.ok(ref instanceof ObjectRef);
    assert.match(ref.type, /Counter$/);
    const [first, pid] = await session.execute<[number, number]>("count", { on: ref });
    const again = await Promise.all(Array.from({ length: 4 }, () => session.execute<[number, number]>("count", { on: ref })));
    assert.deepEqual([first, ...again.map(([count]) => count)].toSorted(), [1, 2, 3, 4, 5]);
    assert.deepEqual(new Set(again.map(([, where]) => where)), new Set([pid]));
    ref.release();
    assert.ok(["ObjectLost", "InvalidArguments"].includes((await failure(session.execute("count", { on: ref })))._tag));
  },

  "Python calls a function of the program that calls Python in the same strict session": async ({ pit }) => {
    await using session = await pit.session(undefined, { affinity: "strict-queue" });
    session.provide("deeper", async (n: number): Promise<number> => {
      return n === 0 ? 0 : 1 + (await session.execute<number>("use", uses(["call_tool", ["deeper", n - 1]])));
    });
    assert.equal(await session.execute("use", uses(["call_tool", ["deeper", 5]])), 5);
    assert.equal(await session.execute("use_async", uses(["call_tool", ["deeper", 1]])), 1);
    assert.equal((await failure(session.execute("use", uses(["call_tool", ["deeper", 40]]))))._tag, "CallDepthExceeded");
  },

  "a function among the arguments is called from both kinds of tool": async ({ pit }) => {
    assert.deepEqual(await pit.execute("each", { values: [1, 2, 3], fn: (n: number) => n * 2 }), [2, 4, 6]);
    assert.deepEqual(await pit.execute("each_async", { values: [1, 2, 3], fn: async (n: number) => n + 1 }), [2, 3, 4]);
  },

  "each side lists the tools of the other": async ({ pit }) => {
    await using session = await pit.session();
    const schema = { type: "object", properties: { question: { type: "string" } }, required: ["question"] };
    session.provide("lookup", ({ question }: { question: string }) => question.length, { schema, description: "Look something up." });
    session.provide("rows", async function* () {
      yield 1;
    });
    const listed = await session.execute<{ name: string; description: string; streaming: boolean }[]>("use", uses(["list_tools"]));
    const named = (name: string) => listed.find((each) => each.name === name);
    assert.equal(named("lookup")?.description, "Look something up.");
    assert.deepEqual([named("lookup")?.streaming, named("rows")?.streaming], [false, true]);
    assert.match(JSON.stringify(named("lookup")), /question/);
    const late = session.provide("late", () => 1);
    const names = async () => (await session.execute<{ name: string }[]>("use", uses(["list_tools"]))).map(({ name }) => name);
    assert.ok((await names()).includes("late"));
    late();
    assert.ok(!(await names()).includes("late"));
    const here = pit.tools().find(({ name }) => name === "through_async");
    assert.deepEqual([here?.streaming, here?.description], [true, "Every item that the program streams."]);
  },

  "a function that a session had is none of the next session of its id": async ({ pit }) => {
    const call = uses(["call_tool", ["mine"]]);
    const old = await pit.session("again");
    old.provide("mine", () => "old");
    assert.equal(await old.execute("use", call), "old");
    await (await pit.session("again")).end();
    const next = await pit.session("again");
    assert.equal((await failure(next.execute("use", call)))._tag, "ToolNotFound");
    assert.throws(() => old.provide("mine", () => "old"), { _tag: "SessionNotFound" });
    next.provide("mine", () => "new");
    await old.close();
    assert.equal(await next.execute("use", call), "new");
    await next.end();
  },

  "arguments are passed by position and by name, and those that do not fit never arrive": async ({ pit }) => {
    await using session = await pit.session();
    let calls = 0;
    const schema = { type: "object", properties: { a: { type: "integer" } }, required: ["a"] };
    session.provide("checked", ({ a }: { a: number }) => calls++ + a, { schema });
    session.provide("plain", (...args: unknown[]) => args.slice(0, -1));
    assert.equal(await session.execute("use", uses(["call_tool", ["checked"], { a: 5 }])), 5);
    assert.equal(await session.execute("use", uses(["call_tool", ["checked", 5]])), 6);
    assert.equal((await failure(session.execute("use", uses(["call_tool", ["checked"], { a: "5" }]))))._tag, "InvalidArguments");
    assert.equal(calls, 2);
    assert.deepEqual(await session.execute("use", uses(["call_tool", ["plain", 1, "a"], { b: null }])), [1, "a", { b: null }]);
    assert.equal((await failure(session.execute("use", uses(["call_tool", ["plian"]]))))._tag, "ToolNotFound");
  },

  "what the program streams is read as far as Python wants": async ({ pit }) => {
    await using session = await pit.session();
    let left = 0;
    session.provide("numbers", async function* () {
      try {
        for (let n = 0; ; n++) yield n;
      } finally {
        left++;
      }
    });
    session.provide("three", async function* () {
      yield* ["a", null, { b: 1 }];
    });
    assert.deepEqual(await session.execute("through", { name: "numbers", limit: 3 }), [0, 1, 2]);
    await until(() => left === 1);
    assert.deepEqual(await collect(session.executeStream("through_async", { name: "three" })), ["a", null, { b: 1 }]);
    for await (const n of session.executeStream<number>("through_async", { name: "numbers" })) if (n === 5) break;
    await until(() => left === 2);
  },

  "errors keep what they are, in both directions": async ({ pit }) => {
    await using session = await pit.session();
    session.provide("throws", () => {
      throw new RangeError("too far");
    });
    session.provide("refuses", () => session.variables.get("nope"));
    const [kind = "", message = ""] = await session.execute<string[]>("caught", { name: "throws" });
    assert.equal(kind, "HostToolFailed");
    assert.match(message, /too far/);
    assert.deepEqual((await session.execute<string[]>("caught", { name: "refuses" }))[0], "VariableNotFound");
    const through = await failure(session.execute("use", uses(["call_tool", ["throws"]])));
    assert.equal(through._tag, "HostToolFailed");
    assert.match(through.message, /too far/);
    const refused = await failure(session.execute("use", uses(["call_tool", ["refuses"]])));
    assert.equal(refused._tag, "VariableNotFound");
    const raised = await failure(session.execute("use", uses(["no_such_method"])));
    assert.deepEqual([raised._tag, "type" in raised && raised.type], ["ToolFailed", "AttributeError"]);
  },

  "a deadline and a cancel reach the function of the program through Python": async ({ pit }) => {
    await using session = await pit.session();
    const heard: string[] = [];
    let running = 0;
    session.provide("wait", (_: unknown, { signal }: { signal: AbortSignal }) => {
      running++;
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          heard.push("aborted");
          resolve(undefined);
        });
      });
    });
    for (const tool of ["use", "use_async"]) {
      const began = running;
      const timedOut = await failure(session.execute(tool, uses(["call_tool", ["wait"]]), { timeoutMs: 1_000 }));
      assert.equal(timedOut._tag, "CallTimeout");
      const controller = new AbortController();
      const cancelled = failure(session.execute(tool, uses(["call_tool", ["wait"]]), { signal: controller.signal }));
      await until(() => running === began + 2);
      controller.abort();
      assert.equal((await cancelled)._tag, "Cancelled");
      await until(() => heard.length === running);
    }
  },

  "a callback in Python hears of every change, in order, also after its call": async ({ pit }) => {
    const session = await pit.session("watched");
    await session.variables.register("n", { type: "integer", value: 0 });
    const heard: string[] = [];
    session.provide("heard", (kind: string, name: string, value: unknown, version: number) => {
      heard.push(`${kind} ${name} ${value} ${version}`);
    });
    await session.execute("watch_with", { name: "heard" });
    await until(() => heard.length === 1);
    for (let n = 1; n <= 100; n++) await session.variables.set("n", n);
    await until(() => heard.length === 101);
    assert.deepEqual(
      heard,
      Array.from({ length: 101 }, (_, n) => `set n ${n} ${n}`),
    );
    await session.end();
  },
};
