/** What a wrong call, a wrong value or a wrong tool file is answered with. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Snakepit } from "../src/index.ts";
import { behaviour, collect, failure, Lines, toolFile } from "./pool.support.ts";

const api = toolFile("api");

describe("a call", () => {
  let pit: Snakepit;
  const lines = new Lines();
  beforeAll(async () => {
    pit = await Snakepit.open({ tools: [api, behaviour], workers: 1, onLog: lines.onLog, maxMessageBytes: 1_000_000 });
  });
  afterAll(() => pit.close());

  test("of an unknown tool names the nearest", async () => {
    const error = await failure(pit.execute("predict", { rows: [] }));
    expect(error).toMatchObject({ _tag: "ToolNotFound", nearest: ["Model.predict"], retryable: false });
    expect((await failure(collect(pit.executeStream("countdwon", {})))).nearest).toContain("countdown");
  });

  test("with a missing, extra or wrong argument names it, before any user code runs", async () => {
    const cases: [object, string][] = [
      [{ b: [] }, "a"],
      [{ a: 1, b: [], d: 4 }, "d"],
      [{ a: "one", b: [] }, "a"],
      [{ a: 1, b: ["x", 2] }, "b"],
    ];
    for (const [args, argument] of cases) {
      expect(await failure(pit.execute("typed", { ...args }))).toMatchObject({ _tag: "InvalidArguments", tool: "typed", argument });
    }
    expect(String((await failure(pit.execute("typed", { a: 1, b: ["x", 2] }))).path)).toContain("1");
  });

  test("by the wrong method says which one to use, and sends nothing", async () => {
    const { succeeded } = pit.stats();
    expect(await failure(pit.execute("countdown", { start: 3 }))).toMatchObject({ _tag: "StreamingMismatch", use: "executeStream" });
    expect(await failure(collect(pit.executeStream("add", { a: 1 })))).toMatchObject({ _tag: "StreamingMismatch", use: "execute" });
    expect(pit.stats().succeeded).toBe(succeeded);
  });

  test("with a value that cannot travel names its place", async () => {
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    expect((await failure(pit.execute("echo", { value: { list: [1, Symbol("no")] } }))).path).toBe("$.value.list[1]");
    expect((await failure(pit.execute("echo", { value: cyclic })))._tag).toBe("UnsupportedValue");
    expect(await pit.execute<number>("square", { n: 2 })).toBe(4);
  });

  test("over the limit of a message fails on the sending side, and the next goes through", async () => {
    const error = await failure(pit.execute("echo", { value: "x".repeat(1_100_000) }));
    expect(error).toMatchObject({ _tag: "PayloadTooLarge", limit: 1_000_000, option: "maxMessageBytes" });
    expect(await failure(pit.execute("large", { count: 1_100_000 }))).toMatchObject({ _tag: "PayloadTooLarge", limit: 1_000_000 });
    expect(await pit.execute<string>("large", { count: 900_000 })).toHaveLength(900_000);
    expect(pit.stats().crashes).toBe(0);
  });

  test("whose tool raises gives type, message, traceback and causes", async () => {
    const error = await failure(pit.execute("fail", { message: "bad luck" }));
    expect(error).toMatchObject({ _tag: "ToolFailed", type: "ValueError", detail: "bad luck", retryable: false });
    expect(error.traceback).toContain("behaviour.py");
    expect(error.causes).toMatchObject([{ type: "KeyError" }]);
  });

  test("of a stream that fails after some items gives the items first", async () => {
    const seen: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const item of pit.executeStream("count_then_fail", { stop: 3 })) seen.push(item);
      })(),
    );
    expect(seen).toEqual([0, 1, 2]);
    expect(error).toMatchObject({ _tag: "ToolFailed", detail: "no more" });
  });

  test("with an input stream that throws fails with the original error as its cause", async () => {
    const original = new Error("the well is dry");
    async function* numbers() {
      yield 1;
      throw original;
    }
    const error = await failure(pit.execute("sum_stream", { numbers: numbers() }));
    expect(error).toMatchObject({ _tag: "InputError", argument: "numbers" });
    expect(error.cause).toBe(original);
  });

  test("with options that make no sense is refused", async () => {
    const nonsense: object = { timeout: 5 };
    expect((await failure(pit.execute("add", { a: 1 }, nonsense))).option).toBe("timeout");
    expect((await failure(pit.execute("add", { a: 1 }, { timeoutMs: 0 }))).option).toBe("timeoutMs");
    const list: object = [1, 2];
    expect((await failure(pit.execute("add", { ...list })))._tag).toBe("InvalidArguments");
  });

  test("that prints garbage becomes log lines and nothing else", async () => {
    expect(await pit.execute<string>("garbage")).toBe("fine");
    await Promise.all(["line one", "no end of line", "raw error"].map((line) => lines.said(line)));
    await lines.said("careful");
    const tagged = lines.events.find((event) => event.text === "line one");
    expect(tagged).toMatchObject({ tool: "garbage", source: "stdout", pool: "default", level: "info" });
    expect(tagged?.worker).toBe((await pit.workers())[0]?.id ?? "");
    expect(lines.events.find((event) => event.text === "careful")).toMatchObject({
      source: "my.logger",
      level: "warning",
      tool: "garbage",
    });
    expect(pit.stats().crashes).toBe(0);
  });
});

describe("opening", () => {
  test("with a tool file that cannot be imported fails with that import error", async () => {
    const error = await failure(Snakepit.open({ tools: toolFile("broken_import"), workers: 2 }));
    expect(error).toMatchObject({ _tag: "WorkerStartFailed", type: "ModuleNotFoundError" });
    expect(error.traceback).toContain("broken_import.py");
    expect(error.message).toContain("a_module_that_is_not_there");
  });

  test("with a tool file that is not there says so", async () => {
    const error = await failure(Snakepit.open({ tools: "./no/such/file.py", workers: 1 }));
    expect(error._tag).toBe("WorkerStartFailed");
    expect(error.message).toContain("file.py");
  });

  test("with two tools of one name names both places", async () => {
    const error = await failure(Snakepit.open({ tools: [api, toolFile("second_add")], workers: 1 }));
    expect(error._tag).toBe("WorkerStartFailed");
    expect(error.message).toContain("api.py");
    expect(error.message).toContain("second_add.py");
  });

  test("with options that make no sense names the option", async () => {
    const nonsense: object = { tool: "./tools.py" };
    expect(await failure(Snakepit.open(nonsense))).toMatchObject({ _tag: "InvalidOptions", option: "tool" });
    expect(await failure(Snakepit.open({ tools: api, workers: -1 }))).toMatchObject({ _tag: "InvalidOptions", option: "workers" });
  });

  test("a worker that is not ready in time fails the start", async () => {
    const error = await failure(Snakepit.open({ tools: api, workers: 1, readyTimeoutMs: 1 }));
    expect(error._tag).toBe("WorkerStartFailed");
    expect(error.message).toContain("1 ms");
  });
});

test("a low limit of messages holds for what calls carry, not for the list of tools nor for what is printed", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog, maxMessageBytes: 1_024 });
  expect(pit.tools().length).toBeGreaterThan(20);
  expect(await pit.execute<number>("shout", { count: 5_000 })).toBe(5_000);
  await lines.said("x".repeat(5_000));
  expect(await failure(pit.execute("large", { count: 5_000 }))).toMatchObject({ _tag: "PayloadTooLarge", limit: 1_024 });
});
