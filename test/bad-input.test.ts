/** What hostile tools, hostile arguments and hostile programs are answered with: the call that asked for it fails, the next one goes through. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CallOptions, type OpenOptions, Snakepit } from "../src/index.ts";
import { collect, failure, Lines, PROMPTLY_MS, toolFile, until } from "./pool.support.ts";

const hostile = toolFile("hostile");
let pit: Snakepit;
let lines: Lines;

async function open(options: OpenOptions = {}): Promise<void> {
  lines = new Lines();
  pit = await Snakepit.open({ tools: hostile, workers: 1, retryBackoffMs: 20, onLog: lines.onLog, timeoutMs: 50_000, ...options });
}

/** The same worker goes on: nothing of the last call disturbs the next. */
async function unharmed(): Promise<void> {
  expect(await pit.execute<number>("square", { n: 7 })).toBe(49);
  expect(await pit.execute<number>("square_later", { n: 8 })).toBe(64);
  expect(pit.stats()).toMatchObject({ crashes: 0, started: 1, live: 0, queued: 0 });
}

beforeEach(() => open());
afterEach(() => pit.close());

test("a start that user code ends by anything at all is told why", async () => {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  const raising = (statement: string): string => `raise ${statement}\n`;
  const entering = (statement: string): string =>
    `from snakepit import tool\n\nclass M:\n    def __enter__(self):\n        raise ${statement}\n    @tool\n    def f(self): return 1\n`;
  const files = [
    [raising('KeyboardInterrupt("why")'), "KeyboardInterrupt"],
    [raising("SystemExit(3)"), "SystemExit"],
    [raising('GeneratorExit("why")'), "GeneratorExit"],
    ["def f(:\n", "SyntaxError"],
    [entering('KeyboardInterrupt("why")'), "KeyboardInterrupt"],
    [entering("SystemExit(4)"), "SystemExit"],
    [entering('ValueError("why")'), "ValueError"],
  ] as const;
  for (const [index, [text, type]] of files.entries()) {
    const tools = join(folder, `tools_${index}.py`);
    writeFileSync(tools, text);
    const error = await failure(Snakepit.open({ tools, workers: 1 }));
    expect(error).toMatchObject({ _tag: "WorkerStartFailed", type, retryable: false });
    expect(error.traceback).toContain(`tools_${index}.py`);
  }
  rmSync(folder, { recursive: true });
}, 60_000);

describe("a tool that raises", () => {
  const kinds = [
    "Odd",
    "KeyboardInterrupt",
    "GeneratorExit",
    "StopIteration",
    "StopAsyncIteration",
    "SystemExit",
    "MemoryError",
    "Unprintable",
  ];

  test("anything at all fails its call alone", async () => {
    for (const name of kinds) {
      expect(await failure(pit.execute("raises", { name }))).toMatchObject({ _tag: "ToolFailed", type: name });
      const later = await failure(pit.execute("raises_async", { name }));
      expect(later).toMatchObject({ _tag: "ToolFailed", type: name === "StopIteration" ? "RuntimeError" : name });
    }
    await unharmed();
  });

  test("anything at all in a stream fails it after its items", async () => {
    for (const name of kinds) {
      for (const tool of ["raises_in_stream", "raises_in_async_stream"]) {
        const stream = pit.executeStream<number>(tool, { name });
        expect(await stream.next()).toEqual({ value: 1, done: false });
        expect((await failure(stream.next()))._tag).toBe("ToolFailed");
        expect(await stream.next()).toEqual({ value: undefined, done: true });
      }
    }
    await unharmed();
  });

  test("a message of half characters or of ten megabytes is told all the same", async () => {
    expect((await failure(pit.execute("surrogate_message"))).message).toContain("half \\udcff of it");
    const { message } = await failure(pit.execute("long_message"));
    expect(message).toContain("xxxxxxxxxx");
    expect(message.length).toBeLessThan(100_000);
    await unharmed();
  });

  test("by endless recursion is told so, however deep it went", async () => {
    expect(await failure(pit.execute("recurse"))).toMatchObject({ _tag: "ToolFailed", type: "RecursionError" });
    const error = await failure(pit.execute("recurse", { limit: 1_000_000 }));
    // Before Python 3.11 a limit as high as this lets the stack overflow.
    if (error._tag === "WorkerCrashed") return expect(error).toMatchObject({ signal: "SIGSEGV" });
    expect(error).toMatchObject({ _tag: "ToolFailed", type: "RecursionError" });
    expect(String(error.traceback)).toContain("hostile.py");
    await unharmed();
  }, 60_000);
});

describe("a tool that forks", () => {
  for (const threads of [1, 2]) {
    test(`and comes back in the child answers from the parent alone (${threads} threads)`, async () => {
      await pit.close();
      await open({ threads });
      const ended = "child ended with 1";
      expect(await pit.execute<string>("fork_and_return", { seconds: 0 })).toBe(ended);
      expect(await pit.execute<string>("fork_and_return", { seconds: 0.05 })).toBe(ended);
      expect(await pit.execute<string>("fork_and_raise")).toBe(ended);
      expect(await pit.execute<string>("fork_and_return_async")).toBe(ended);
      expect(await collect(pit.executeStream<string>("fork_in_stream"))).toEqual([ended]);
      await unharmed();
    }, 60_000);

    test(`is not disturbed by what the child prints (${threads} threads)`, async () => {
      await pit.close();
      await open({ threads });
      expect(await pit.execute<string>("fork_and_speak")).toBe("child ended with 0");
      await lines.said("spoken by the child");
      for (const method of ["fork", "spawn", "forkserver"]) {
        expect(await pit.execute<number[]>("process_pool", { method })).toEqual([0, 1, 2, 3]);
      }
      await unharmed();
    }, 60_000);
  }
});

test("a tool that stops the event loop does not take the asynchronous tools along", async () => {
  await pit.execute("stop_loop").catch(() => {});
  expect(await pit.execute<number>("square_later", { n: 3 })).toBe(9);
  await unharmed();
});

describe("output", () => {
  test("of every byte there is becomes lines", async () => {
    await pit.execute("write_bytes", { repeat: 100 });
    await until(() => ["stdout", "stderr"].every((source) => lines.events.filter((event) => event.source === source).length >= 100));
    await unharmed();
  });

  test("in lines without end is cut", async () => {
    await pit.execute("print_long", { size: 5_000_000 });
    await pit.execute("write_long", { size: 5_000_000 });
    const sum = (letter: string): number => lines.events.reduce((all, { text }) => all + (text.startsWith(letter) ? text.length : 0), 0);
    await until(() => sum("y") >= 5_000_000 && sum("z") >= 5_000_000);
    expect(Math.max(...lines.events.map((event) => event.text.length))).toBeLessThan(1_000_000);
    await unharmed();
  });

  test("of several threads at once keeps its lines whole", async () => {
    await pit.execute("print_from_threads", { lines: 200 });
    await Promise.all([0, 1, 2, 3].flatMap((n) => Array.from({ length: 200 }, (_, i) => lines.said(`thread ${n} ${i}`))));
    await unharmed();
  });

  test("that a tool replaces, or whose descriptors it closes, is its own affair", async () => {
    for (const none of [false, true]) await pit.execute("swap_output", { none });
    await pit.execute("close_descriptors", { descriptors: [0, 1, 2] });
    await unharmed();
  });
});

describe("a worker", () => {
  test("ended by a tool is replaced, and the call told how", async () => {
    const ends: [string, object][] = [
      ["segfault", { signal: "SIGSEGV", exitCode: null }],
      ["abort", { signal: "SIGABRT", exitCode: null }],
      ["kill", { signal: "SIGKILL", exitCode: null }],
      ["0", { signal: null, exitCode: 0 }],
      ["255", { signal: null, exitCode: 255 }],
    ];
    for (const [how, fields] of ends) {
      expect(await failure(pit.execute("crash", { how }))).toMatchObject({ _tag: "WorkerCrashed", attempts: 1, ...fields });
      expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
    }
    expect(pit.stats()).toMatchObject({ crashes: ends.length, started: ends.length + 1 });
  }, 60_000);

  test("whose connection a tool closes is replaced", async () => {
    const error = await failure(pit.execute("close_everything"));
    expect(["WorkerCrashed", "ConnectionLost"]).toContain(error._tag);
    expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
  });

  test("that ignores signals, has threads that sleep and handlers that wait, still ends at once", async () => {
    // Ending it by force would take longer than is allowed here.
    await pit.close();
    await open({ graceMs: 30_000 });
    await pit.execute("take_signals");
    await pit.execute("leave_thread");
    const pid = await pit.execute<number>("pid");
    await unharmed();
    const began = performance.now();
    await pit.close();
    expect(performance.now() - began).toBeLessThan(PROMPTLY_MS);
    expect(() => process.kill(pid, 0)).toThrow();
  });

  test("keeps signal handlers, and its tools find other working directories harmless", async () => {
    expect(await failure(pit.execute("alarm"))).toMatchObject({ _tag: "ToolFailed", type: "TimeoutError" });
    expect(await pit.execute<string>("go_elsewhere")).toBe("/");
    await unharmed();
  });
});

describe("names", () => {
  test("like those that objects are born with are names like any other", async () => {
    expect(await pit.execute<string>("constructor")).toBe("constructor");
    expect(await pit.execute<number[]>("__proto__")).toEqual([1, 2, 3]);
    const args: object = JSON.parse('{"__proto__": 4, "constructor": 5, "__x": 6}');
    expect(await pit.execute<number[]>("__proto__", { ...args })).toEqual([4, 5, 6]);
    expect(await pit.execute<number>("größe", { länge: 4 })).toBe(4);
    const rest = Object.fromEntries([
      ["self", 1],
      ["", 2],
      ["__proto__", 3],
      ["ä b", 4],
    ]);
    expect(Object.entries(await pit.execute<object>("rest", rest))).toEqual(Object.entries(rest));
  });

  test("of no tool are not found", async () => {
    for (const name of ["toString", "hasOwnProperty", "valueOf", "", "\u0000", "x".repeat(100_000)]) {
      expect((await failure(pit.execute(name)))._tag).toBe("ToolNotFound");
    }
    await unharmed();
  });
});

test("what is no name of a tool is refused as such", async () => {
  for (const name of [5, undefined, null, Symbol("tool"), {}]) {
    // Programs without types can do this.
    expect(await failure(pit.execute(name as unknown as string))).toMatchObject({ _tag: "InvalidOptions", option: "tool" });
  }
  await unharmed();
});

describe("arguments", () => {
  test("that are no object are refused", async () => {
    const nonsense: unknown[] = [null, [3], "n", 3, true, Symbol("n"), () => {}, new Date(), 3n];
    for (const args of nonsense) {
      // Programs without types can do this.
      const error = await failure(pit.execute("square", args as object as Record<string, unknown>));
      expect(["InvalidArguments", "UnsupportedValue"]).toContain(error._tag);
    }
    await unharmed();
  });

  test("left out, empty or undefined are what is not given", async () => {
    expect(await pit.execute("nothing")).toBeNull();
    expect(await pit.execute("nothing", {})).toBeNull();
    expect(await pit.execute("nothing", undefined)).toBeNull();
    expect(await pit.execute("square", { n: 2, m: undefined })).toBe(4);
    expect(await failure(pit.execute("square", { n: undefined }))).toMatchObject({ _tag: "InvalidArguments", argument: "n" });
  });

  test("that throw when they are read fail with what they threw", async () => {
    const thrown = new Error("do not look");
    const args = {
      get n(): number {
        throw thrown;
      },
    };
    const error = await failure(pit.execute("square", args));
    expect(error).toMatchObject({ _tag: "UnsupportedValue", path: "$.n" });
    expect(error.message).toContain("do not look");
    await unharmed();
  });

  test("and results deeper than the limit are refused, not overflowed", async () => {
    for (const levels of [5_000, 100_000]) {
      let value: unknown[] = [];
      for (let i = 0; i < levels; i++) value = [value];
      expect((await failure(pit.execute("rest", { value })))._tag).toBe("UnsupportedValue");
      expect((await failure(pit.execute("deep", { levels })))._tag).toBe("UnsupportedValue");
    }
    await unharmed();
  });
});

describe("options", () => {
  test("of a call out of range are refused before anything is sent", async () => {
    for (const timeoutMs of [0, -1, Number.NaN, Number.NEGATIVE_INFINITY, 1e12]) {
      expect(await failure(pit.execute("square", { n: 1 }, { timeoutMs }))).toMatchObject({ _tag: "InvalidOptions", option: "timeoutMs" });
      expect(await failure(collect(pit.executeStream("count", { stop: 1 }, { timeoutMs })))).toMatchObject({ option: "timeoutMs" });
    }
    expect(await pit.execute<number>("square", { n: 2 }, { timeoutMs: Number.POSITIVE_INFINITY })).toBe(4);
    const wrong: [string, object][] = [
      ["retry", { retry: "sometimes" }],
      ["signal", { signal: {} }],
      ["priority", { priority: Number.NaN }],
      ["onProgress", { onProgress: 1 }],
      ["constructor", { constructor: 1 }],
    ];
    for (const [option, options] of wrong) {
      expect(await failure(pit.execute("square", { n: 1 }, options as CallOptions))).toMatchObject({ _tag: "InvalidOptions", option });
    }
  });

  test("of open out of range name themselves, and nothing is started", async () => {
    const wrong: [string, object][] = [
      ["workers", { workers: 0 }],
      ["workers", { workers: 1.5 }],
      ["workers", { workers: Number.NaN }],
      ["threads", { threads: 0 }],
      ["graceMs", { graceMs: -1 }],
      ["tools", { tools: 5 }],
      ["tools", { tools: "" }],
      ["env", { env: { A: 1 } }],
      ["pools", { pools: {} }],
      ["pools.a.wokers", { pools: { a: { wokers: 1 } } }],
      ["onLog", { onLog: "console" }],
    ];
    for (const [option, options] of wrong) {
      expect(await failure(Snakepit.open({ ...options }))).toMatchObject({ _tag: "InvalidOptions", option });
    }
  });
});

describe("signals", () => {
  test("aborted before the call send nothing", async () => {
    const reason = new Error("never mind");
    const signal = AbortSignal.abort(reason);
    const error = await failure(pit.execute("square", { n: 1 }, { signal }));
    expect(error).toMatchObject({ _tag: "Cancelled", cause: reason });
    expect((await failure(collect(pit.executeStream("count", { stop: 1 }, { signal }))))._tag).toBe("Cancelled");
    expect((await pit.workers())[0]?.calls).toBe(0);
    await unharmed();
  });
});

describe("a stream", () => {
  test("that is never iterated never starts", async () => {
    pit.executeStream("count", { stop: 3 });
    await unharmed();
    expect(lines.count("count closed")).toBe(0);
    expect(pit.stats().calls).toBe(2);
  });

  test("left before its first item never starts either", async () => {
    const stream = pit.executeStream("count", { stop: 3 });
    await stream.return?.();
    expect(await stream.next()).toEqual({ value: undefined, done: true });
    expect(pit.stats().calls).toBe(0);
  });

  test("left while its first item is on the way ends", async () => {
    const stream = pit.executeStream("count", { stop: 1_000_000 });
    const first = stream.next();
    await stream.return?.();
    expect((await first).done).toBe(true);
    await until(() => pit.stats().live === 0);
    await unharmed();
  });

  test("iterated twice has nothing the second time", async () => {
    const stream = pit.executeStream("count", { stop: 3 });
    expect(await collect(stream)).toEqual([0, 1, 2]);
    expect(await collect(stream)).toEqual([]);
  });

  test("with two iterators gives each item to one of them", async () => {
    const stream = pit.executeStream<number>("count", { stop: 1_000 });
    const [a, b] = await Promise.all([collect(stream), collect(stream)]);
    expect([...a, ...b].sort((x, y) => x - y)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test("whose tool will not be closed is let go, and said so", async () => {
    for await (const n of pit.executeStream<number>("ignore_close")) if (n === 3) break;
    await until(() => lines.events.some((event) => event.text.includes("generator ignored GeneratorExit")));
    await unharmed();
  });
});

describe("an input stream", () => {
  /** Numbers without end, and whether they were asked to stop. */
  function numbers() {
    const state = { given: 0, closed: false };
    async function* give() {
      try {
        for (;;) yield state.given++;
      } finally {
        state.closed = true;
      }
    }
    return { state, stream: give() };
  }

  test("is closed when its tool wants no more of it", async () => {
    for (const [tool, result] of [
      ["first_of", 0],
      ["none_of", "none"],
    ] as const) {
      const { state, stream } = numbers();
      expect<unknown>(await pit.execute(tool, { numbers: stream })).toBe(result);
      await until(() => state.closed || state.given === 0);
    }
    await unharmed();
  });

  test("beside another goes on until either ends", async () => {
    async function* few() {
      yield* [1, 2, 3];
    }
    const { state, stream } = numbers();
    expect(await pit.execute<number[][]>("pairs", { a: stream, b: few() })).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
    await until(() => state.closed);
    await unharmed();
  });

  test("of a relay that is left in the middle is closed", async () => {
    const { state, stream } = numbers();
    for await (const n of pit.executeStream<number>("relay", { numbers: stream })) if (n === 100) break;
    await until(() => state.closed);
    await unharmed();
  });

  test("that never gives anything does not keep a call from its deadline", async () => {
    const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<IteratorResult<number>>(() => {}) }) };
    expect((await failure(pit.execute("first_of", { numbers: never }, { timeoutMs: 200 })))._tag).toBe("CallTimeout");
    await unharmed();
  });

  test("that cannot be begun fails the call with its own error", async () => {
    const original = new Error("no iterator today");
    const broken = {
      [Symbol.asyncIterator](): AsyncIterator<number> {
        throw original;
      },
    };
    const error = await failure(pit.execute("first_of", { numbers: broken }));
    expect(error).toMatchObject({ _tag: "InputError" });
    expect(error.cause).toBe(original);
    await unharmed();
  });

  test("and a stream of results end when the pit closes", async () => {
    const { state, stream } = numbers();
    const relay = pit.executeStream<number>("relay", { numbers: stream });
    expect((await relay.next()).value).toBe(0);
    const counting = pit.executeStream<number>("count", { stop: 1_000_000_000 });
    expect((await counting.next()).value).toBe(0);
    const began = performance.now();
    await Promise.all([pit.close(), pit.close()]);
    expect(performance.now() - began).toBeLessThan(10_000);
    for (const left of [relay, counting]) expect((await failure(collect(left)))._tag).toBe("PoolClosed");
    await until(() => state.closed);
    expect((await failure(pit.execute("square", { n: 1 })))._tag).toBe("PoolClosed");
  }, 60_000);
});
