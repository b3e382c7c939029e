/** Functions of the program that Python calls, with real workers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type HostToolContext, ObjectRef, Snakepit, ToolNotFound } from "../src/index.ts";
import { failure, toolFile, until } from "./pool.support.ts";

let pit: Snakepit;
beforeAll(async () => {
  pit = await Snakepit.open({
    tools: toolFile("host_tools"),
    workers: 1,
    python: new URL("../.venv/bin/python", import.meta.url).pathname,
  });
});
afterAll(() => pit.close());

/** Provides functions while a test runs. */
function provided(functions: Readonly<Record<string, (...args: never[]) => unknown>>): Disposable {
  const takeBack = Object.entries(functions).map(([name, fn]) => pit.provide(name, fn));
  return {
    [Symbol.dispose]() {
      for (const unprovide of takeBack) unprovide();
    },
  };
}

describe("a function that Python calls", () => {
  test("gets what Python gives it, by position and by name, and its result goes back", async () => {
    using _ = provided({ echo: (...args: unknown[]) => args.slice(0, -1), add: async ({ a, b }: { a: number; b: number }) => a + b });
    for (const tool of ["call", "call_async"]) {
      expect(await pit.execute(tool, { name: "echo", args: [1, "a", null] })).toEqual([1, "a", null]);
      expect(await pit.execute(tool, { name: "echo", args: [1], kwargs: { b: [2n ** 70n] } })).toEqual([1, { b: [2n ** 70n] }]);
      expect(await pit.execute(tool, { name: "echo" })).toEqual([{}]);
      expect(await pit.execute(tool, { name: "add", kwargs: { a: 1, b: 2 } })).toBe(3);
    }
  });

  test("takes and gives arrays of any size", async () => {
    using _ = provided({ double: (data: Float64Array) => data.map((x) => x * 2) });
    for (const length of [3, 100_000]) {
      const back = await pit.execute("call", { name: "double", args: [new Float64Array(length).fill(1.5)] });
      expect(back).toEqual(new Float64Array(length).fill(3));
    }
  });

  test("streams to generators of both kinds, as far as they read", async () => {
    let left = 0;
    using _ = provided({
      count: async function* (n: number) {
        for (let i = 0; i < n; i++) yield { i };
      },
      endless: function* () {
        try {
          for (let i = 0; ; i++) yield i;
        } finally {
          left++;
        }
      },
    });
    for (const tool of ["stream", "stream_async"]) {
      const items = await Array.fromAsync(pit.executeStream(tool, { name: "count", args: [500] }));
      expect(items).toEqual(Array.from({ length: 500 }, (_, i) => ({ i })));
    }
    expect(await pit.execute("first", { name: "endless", count: 3 })).toEqual([0, 1, 2]);
    await until(() => left === 1);
  });

  test("raises in Python what it fails with, and the call fails with that when nobody catches it", async () => {
    using _ = provided({
      broken: () => {
        throw new RangeError("far", { cause: new Error("near") });
      },
      family: () => {
        throw new ToolNotFound({ tool: "x", nearest: [] });
      },
      text: () => "no stream",
      stream: async function* () {},
    });
    expect(await pit.execute("caught", { name: "broken" })).toMatchObject({
      class: "HostToolFailed",
      type: "RangeError",
      detail: "far",
      cause: "near",
    });
    expect(await pit.execute("caught", { name: "family" })).toMatchObject({ class: "ToolNotFound" });
    expect(await pit.execute("caught", { name: "text", streaming: true })).toMatchObject({ class: "StreamingMismatch" });
    expect(await pit.execute("caught", { name: "stream" })).toMatchObject({
      class: "StreamingMismatch",
      says: expect.stringContaining("stream_tool"),
    });
    expect(await pit.execute("caught", { name: "strea" })).toMatchObject({
      class: "ToolNotFound",
      says: expect.stringContaining('"stream"'),
    });
    for (const tool of ["call", "call_async"]) {
      expect(await failure(pit.execute(tool, { name: "broken" }))).toMatchObject({
        _tag: "HostToolFailed",
        tool: "broken",
        type: "RangeError",
      });
    }
  });

  test("with a schema is called with one object of all arguments, or not at all", async () => {
    let runs = 0;
    const schema = { properties: { question: { type: "string" }, limit: { type: "integer" } }, required: ["question"] };
    const unprovide = pit.provide(
      "lookup",
      (named: object) => {
        runs++;
        return named;
      },
      { schema, description: "answers" },
    );
    try {
      expect(await pit.execute("call", { name: "lookup", args: ["why"], kwargs: { limit: 3 } })).toEqual({ question: "why", limit: 3 });
      const refused = await pit.execute("caught", { name: "lookup", args: ["why", 1.5] });
      expect(refused).toMatchObject({ class: "InvalidArguments", says: 'Tool "lookup", argument "limit": It must be of type integer.' });
      expect(runs).toBe(1);
      expect(await pit.execute("listed")).toEqual([{ name: "lookup", description: "answers", streaming: false, input_schema: schema }]);
    } finally {
      unprovide();
    }
    expect(await pit.execute("listed")).toEqual([]);
  });

  test("of a session is called by its calls alone, before the pit's", async () => {
    await using session = await pit.session("own");
    await using other = await pit.session("other");
    using _ = provided({ who: (_: unknown, { session }: HostToolContext) => `pit ${session}` });
    session.provide("who", (_: unknown, { session }: HostToolContext) => `own ${session}`);
    expect(await session.execute("call", { name: "who" })).toBe("own own");
    expect(await other.execute("call", { name: "who" })).toBe("pit other");
    expect(await pit.execute("call", { name: "who" })).toBe("pit ");
  });

  test("hears when the call that it is part of is cancelled, or has no time left", async () => {
    let running = 0;
    let aborted = 0;
    using _ = provided({
      wait: (_: unknown, { signal }: HostToolContext) => {
        running++;
        return new Promise((resolve) => {
          signal.addEventListener("abort", () => {
            aborted++;
            resolve(undefined);
          });
        });
      },
    });
    for (const [i, tool] of ["call", "call_async"].entries()) {
      const controller = new AbortController();
      const call = pit.execute(tool, { name: "wait" }, { signal: controller.signal });
      await until(() => running === 2 * i + 1);
      controller.abort();
      expect(await failure(call)).toMatchObject({ _tag: "Cancelled" });
      await until(() => aborted === 2 * i + 1);
      expect(await failure(pit.execute(tool, { name: "wait" }, { timeoutMs: 1_000 }))).toMatchObject({ _tag: "CallTimeout" });
      await until(() => aborted === 2 * i + 2);
      expect(running).toBe(2 * i + 2);
    }
  });

  test("may be asked twice at once by one asynchronous tool", async () => {
    const waiting: (() => void)[] = [];
    using _ = provided({
      meet: (n: number) =>
        new Promise((resolve) => {
          waiting.push(() => resolve(n));
          if (waiting.length === 2) for (const go of waiting) go();
        }),
    });
    expect(await pit.execute("both", { name: "meet" })).toEqual([1, 2]);
  });
});

describe("a function among the arguments", () => {
  test("is called in Python, wherever it stands", async () => {
    const add = (a: number, b: number): number => a + b;
    expect(await pit.execute("apply", { fn: add, args: [1, 2] })).toBe(3);
    const more = { a: [add, async (a: number, b: number) => a * b], b: [Math.max.bind(undefined, 0)] };
    const [sum, product] = await pit.execute<number[]>("apply_async", { more: { a: more.a }, args: [3, 4] });
    expect([sum, product]).toEqual([7, 12]);
  });

  test("is gone when its call has ended, also one that failed", async () => {
    await pit.execute("keep", { fn: () => 1 });
    expect(await pit.execute("call_kept")).toBe("RuntimeError");
    const broken = (): never => {
      throw new TypeError("no");
    };
    expect(await failure(pit.execute("apply", { fn: broken, args: [] }))).toMatchObject({
      _tag: "HostToolFailed",
      tool: "broken",
      type: "TypeError",
    });
    expect(await pit.execute("apply", { fn: () => "again", args: [] })).toBe("again");
  });
});

describe("an object that stays in Python", () => {
  test("comes as a reference and goes back as what it is, anywhere in the arguments", async () => {
    await using session = await pit.session("models");
    const { model, again } = await session.execute<{ model: ObjectRef; again: ObjectRef[] }>("fit", { weight: 1.5 });
    expect(model).toBeInstanceOf(ObjectRef);
    expect(model.session).toBe("models");
    expect(model.type).toEndWith("Model");
    expect(await session.execute("weigh", { models: [model, ...again] })).toBe(3);
    model.release();
    expect(await failure(session.execute("weigh", { models: [model] }))).toMatchObject({ _tag: "InvalidArguments", argument: "models" });
    expect(await session.execute("weigh", { models: again })).toBe(1.5);
  });

  test("is refused outside its session", async () => {
    await using session = await pit.session("one");
    await using other = await pit.session("two");
    const { model } = await session.execute<{ model: ObjectRef }>("fit", { weight: 1 });
    expect(await failure(other.execute("weigh", { models: [model] }))).toMatchObject({ _tag: "InvalidArguments", argument: "models" });
    expect(await failure(pit.execute("weigh", { models: [model] }))).toMatchObject({ _tag: "UnsupportedValue", path: "$.models[0]" });
  });
});
