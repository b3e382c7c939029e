import { describe, expect, test } from "bun:test";
import { runInNewContext } from "node:vm";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { copyBytes, Flag, Kind } from "../carrier/frame.ts";
import { body, type Frame, openPeer, type Pair, read } from "../carrier/testing-peer.ts";
import { type CallTimeout, ToolFailed } from "../errors/index.ts";
import { fromAny } from "../errors/wire.ts";
import { CallErrorSchema, CallHeadSchema } from "../gen/snakepit/v1/frame_pb.ts";
import {
  CallToolRequestSchema,
  CallToolResponseSchema,
  ListHostToolsRequestSchema,
  ListHostToolsResponseSchema,
  StreamToolRequestSchema,
  StreamToolResponseSchema,
} from "../gen/snakepit/v1/host_pb.ts";
import { currentHostCall } from "../tool/host-call.ts";
import { decode, Encoder } from "../value/index.ts";
import { HostFunctions } from "./functions.ts";
import { type HostToolContext, HostTools } from "./host-tools.ts";
import { toolHandlers } from "./tool-handlers.ts";

const encoder = new Encoder();
const packed = (value: unknown): Uint8Array => copyBytes(encoder.encode(value));

type Request = MessageInitShape<typeof CallToolRequestSchema> & { readonly timeoutMs?: number };

/** A worker that calls host tools over a real socket. */
class Caller implements AsyncDisposable {
  readonly tools = new HostTools();
  readonly functions = new HostFunctions();
  #pair: Pair | undefined;
  #id = 0x8000_0000;

  static async open(): Promise<Caller> {
    const caller = new Caller();
    caller.#pair = await openPeer({
      handlers: toolHandlers(caller.tools, caller.functions, { run: "", id: "w1", pool: "p", hostCallOf: () => undefined }),
    });
    return caller;
  }

  get peer(): Pair["peer"] {
    if (this.#pair === undefined) throw new Error("it is not open");
    return this.#pair.peer;
  }

  /** Sends a request and answers the id of its call. */
  open(method: string, request: Uint8Array, { timeoutMs = 0, streaming = false } = {}): number {
    const id = ++this.#id;
    const head = body(CallHeadSchema, { method: `/snakepit.v1.HostService/${method}` });
    const open = { kind: Kind.OPEN, flags: streaming ? Flag.STREAM : 0, prefix: head.length, call: id, aux: timeoutMs };
    if (!streaming) this.peer.send({ ...open, body: Buffer.concat([head, request]) });
    else this.peer.send({ ...open, body: head }, { kind: Kind.MESSAGE, call: id, aux: 1, body: request }, { kind: Kind.END, call: id });
    return id;
  }

  /** The next frame of a call. */
  next(call: number): Promise<Frame> {
    return this.peer.frames.until((frame) => frame.call === call && frame.kind !== Kind.CREDIT);
  }

  /** Calls a tool and answers its result; rejects with its error. */
  async call(tool: string, positional: readonly unknown[] = [], named: object = {}, of: Request = {}): Promise<unknown> {
    const { timeoutMs = 0, ...request } = of;
    const message = body(CallToolRequestSchema, { depth: 1, ...request, tool, args: packed([positional, named]) });
    const frame = await this.next(this.open("CallTool", message, { timeoutMs }));
    if (frame.kind === Kind.ERROR) throw errorOf(frame);
    return decode(read(CallToolResponseSchema, frame).result);
  }

  /** Opens a stream of a tool. */
  stream(tool: string, positional: readonly unknown[] = [], named: object = {}, timeoutMs = 0): number {
    const message = body(StreamToolRequestSchema, { depth: 1, tool, args: packed([positional, named]) });
    return this.open("StreamTool", message, { streaming: true, timeoutMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pair?.[Symbol.asyncDispose]();
  }
}

function errorOf(frame: Frame): Error {
  const { details, message } = read(CallErrorSchema, { ...frame, prefix: 0 });
  const [detail] = details;
  const error = detail === undefined ? undefined : fromAny(detail.typeUrl.replace(/.*\//, ""), detail.value);
  return error ?? new Error(`code ${frame.aux}: ${message}`);
}

const itemsIn = (frame: Frame): unknown[] => read(StreamToolResponseSchema, frame).items.map((item) => decode(item));

/** What a promise rejects with. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => new Error(`it gave ${String(value)}`),
    (error: unknown) => error,
  );

describe("a host tool", () => {
  test("gets positional arguments, then the named ones, then the context", async () => {
    await using caller = await Caller.open();
    const got: unknown[][] = [];
    caller.tools.provide("", "t", (...args) => {
      got.push(args.slice(0, -1));
      const { session, depth, signal } = args.at(-1) as HostToolContext;
      return [session, depth, signal.aborted];
    });
    expect(await caller.call("t", [1, "a"])).toEqual(["", 1, false]);
    expect(await caller.call("t", [1], { b: 2 }, { sessionId: "s", depth: 3 })).toEqual(["s", 3, false]);
    await caller.call("t", [], { b: 2 });
    await caller.call("t");
    expect(got).toEqual([[1, "a"], [1, { b: 2 }], [{ b: 2 }], [{}]]);
  });

  test("is a call of Python's for the calls that it makes", async () => {
    await using caller = await Caller.open();
    caller.tools.provide("", "t", async () => {
      await Promise.resolve();
      const { depth, worker, pool, waiter, sessionId, deadline } = currentHostCall() ?? {};
      return { depth, worker, pool, waiter, sessionId, left: (deadline ?? 0) - performance.now() };
    });
    const seen = await caller.call("t", [], {}, { depth: 2, waiter: 7, sessionId: "s", timeoutMs: 5_000 });
    expect(seen).toMatchObject({ depth: 2, worker: "w1", pool: "p", waiter: 7, sessionId: "s" });
    const { left } = seen as { readonly left: number };
    expect(left).toBeGreaterThan(3_000);
    expect(left).toBeLessThanOrEqual(5_000);
    expect(await caller.call("t")).toMatchObject({ left: Number.POSITIVE_INFINITY });
    expect(currentHostCall()).toBeUndefined();
  });

  test("fails with its own error when it is one of the family, and with HostToolFailed otherwise", async () => {
    await using caller = await Caller.open();
    class Odd extends Error {}
    const inner = new ToolFailed({ tool: "py", type: "ValueError", detail: "no", traceback: "tb", causes: [] });
    const thrown: Record<string, () => unknown> = {
      family: () => {
        throw inner;
      },
      error: () => {
        throw new RangeError("far", { cause: new TypeError("near") });
      },
      later: async () => {
        throw new Odd("late");
      },
      text: () => {
        throw "only text";
      },
      object: () => {
        throw Object.assign(Object.create(null), { code: 1 });
      },
    };
    for (const [name, fn] of Object.entries(thrown)) caller.tools.provide("", name, fn);
    expect(await failure(caller.call("family"))).toMatchObject({ _tag: "ToolFailed", tool: "py", traceback: "tb" });
    expect(await failure(caller.call("error"))).toMatchObject({
      _tag: "HostToolFailed",
      tool: "error",
      type: "RangeError",
      detail: "far",
      stack: expect.stringContaining("tool-handlers.test"),
      cause: { name: "TypeError", message: "near" },
    });
    expect(await failure(caller.call("later"))).toMatchObject({ _tag: "HostToolFailed", type: "Odd", detail: "late" });
    expect(await failure(caller.call("text"))).toMatchObject({ _tag: "HostToolFailed", type: "string", detail: "only text", stack: "" });
    expect(await failure(caller.call("object"))).toMatchObject({ _tag: "HostToolFailed", type: "object", detail: '{"code":1}' });
  });

  test("that throws what cannot be looked at has failed", async () => {
    await using caller = await Caller.open();
    const refuse = (): never => {
      throw new Error("not to be looked at");
    };
    const odd: Readonly<Record<string, unknown>> = {
      proxy: new Proxy({}, { get: refuse, has: refuse, getPrototypeOf: refuse }),
      getter: Object.defineProperty(new Error("x"), "message", { get: refuse }),
      fields: Object.assign(new Error("x"), { name: null, message: 5, stack: {}, constructor: undefined }),
    };
    for (const [name, thrown] of Object.entries(odd)) {
      caller.tools.provide("", name, () => {
        throw thrown;
      });
      expect(await failure(caller.call(name))).toMatchObject({ _tag: "HostToolFailed", tool: name });
    }
  });

  test("whose schema answers with a promise of another realm waits for it", async () => {
    await using caller = await Caller.open();
    const other: PromiseConstructor = runInNewContext("Promise");
    const validate = (value: unknown) => other.resolve({ value });
    caller.tools.provide("", "t", ({ a }: { a: number }) => a, { schema: { "~standard": { version: 1, vendor: "test", validate } } });
    expect(await caller.call("t", [], { a: 5 })).toBe(5);
  });

  test("whose schema itself fails has failed", async () => {
    await using caller = await Caller.open();
    const validate = (): never => {
      throw new TypeError("odd schema");
    };
    caller.tools.provide("", "t", () => 1, { schema: { "~standard": { version: 1, vendor: "test", validate } } });
    expect(await failure(caller.call("t"))).toMatchObject({ _tag: "HostToolFailed", tool: "t", type: "TypeError" });
  });

  test("that there is none, or that lies too deep, is never run", async () => {
    await using caller = await Caller.open();
    let runs = 0;
    caller.tools.provide("", "lookup", () => ++runs);
    expect(await failure(caller.call("lokup"))).toMatchObject({ _tag: "ToolNotFound", tool: "lokup", nearest: ["lookup"] });
    expect(await failure(caller.call("lookup", [], {}, { depth: 17 }))).toMatchObject({
      _tag: "CallDepthExceeded",
      tool: "lookup",
      limit: 16,
    });
    expect(await caller.call("lookup", [], {}, { depth: 16 })).toBe(1);
  });

  test("whose result cannot travel fails, and whose arguments are none is never run", async () => {
    await using caller = await Caller.open();
    caller.tools.provide("", "t", () => ({ f: () => 1 }));
    expect(await failure(caller.call("t"))).toMatchObject({ _tag: "UnsupportedValue", path: "$.f" });
    for (const args of [[], [[], []], [1, {}], [[], {}, 1], "a"]) {
      const frame = await caller.next(caller.open("CallTool", body(CallToolRequestSchema, { tool: "t", args: packed(args), depth: 1 })));
      expect(errorOf(frame)).toMatchObject({ _tag: "ProtocolError" });
    }
  });

  test("takes and gives large data", async () => {
    await using caller = await Caller.open();
    caller.tools.provide("", "halve", (data: Float64Array) => data.map((x) => x / 2));
    const data = new Uint8Array(new Float64Array(10_000).fill(3).buffer);
    const id = caller.open(
      "CallTool",
      body(CallToolRequestSchema, {
        tool: "halve",
        depth: 1,
        args: Uint8Array.of(0x92, 0x91, 0xd4, 1, 0, 0x80),
        buffers: [{ dtype: "f8", shape: [10_000n], kind: 2, location: { case: "inline", value: data } }],
      }),
    );
    const attached = await caller.next(id);
    expect(attached.kind).toBe(Kind.ATTACH);
    expect(new Float64Array(attached.body.buffer)).toEqual(new Float64Array(10_000).fill(1.5));
    const { result, buffers } = read(CallToolResponseSchema, await caller.next(id));
    expect(result).toEqual(Uint8Array.of(0xd4, 1, 0));
    expect(buffers).toMatchObject([{ dtype: "f8", shape: [10_000n], location: { case: "attached", value: 0 } }]);
  });

  test("hears by its signal that Python cancelled the call, or that its time is up", async () => {
    await using caller = await Caller.open();
    const { promise: running, resolve: runs } = Promise.withResolvers<AbortSignal>();
    caller.tools.provide("", "wait", ({ signal }: HostToolContext) => signal);
    caller.tools.provide("", "t", (_, { signal }: HostToolContext) => {
      runs(signal);
      return new Promise(() => {});
    });
    const id = caller.open("CallTool", body(CallToolRequestSchema, { tool: "t", args: packed([[], {}]), depth: 1 }));
    const signal = await running;
    expect(signal.aborted).toBe(false);
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    caller.peer.send({ kind: Kind.CANCEL, call: id });
    await aborted;
    const late = await failure(caller.call("t", [], {}, { timeoutMs: 20 }));
    expect(late).toMatchObject({ _tag: "CallTimeout", tool: "t", limit: "call" });
    // What was left of it when the tool began.
    expect((late as CallTimeout).timeoutMs).toBeWithin(0, 21);
  });

  test("may be a function among the arguments of a call, until that has ended", async () => {
    await using caller = await Caller.open();
    const number = caller.functions.add((a: number, b: number) => a - b);
    expect(await caller.call("", [5, 3], {}, { function: number })).toBe(2);
    expect(await caller.call("", [5, 7, 3], {}, { function: caller.functions.add(Math.max) })).toBe(7);
    const named = caller.functions.add(function broken() {
      throw new Error("x");
    });
    expect(await failure(caller.call("", [], {}, { function: named }))).toMatchObject({ tool: "broken" });
    caller.functions.remove(number);
    expect(caller.functions.add(() => 1)).toBeGreaterThan(named);
    expect(await failure(caller.call("", [], {}, { function: number }))).toMatchObject({ _tag: "ToolNotFound", tool: "function 1" });
  });

  test("stands in the list of its session", async () => {
    await using caller = await Caller.open();
    caller.tools.provide("", "a", () => 1, { description: "of the pit" });
    caller.tools.provide("s", "b", () => 1);
    const frame = await caller.next(caller.open("ListHostTools", body(ListHostToolsRequestSchema, { sessionId: "s" })));
    expect(read(ListHostToolsResponseSchema, frame).tools).toMatchObject([{ name: "b" }, { name: "a", description: "of the pit" }]);
  });
});

describe("a host tool that streams", () => {
  test("sends what is ready together, what is slow at once, and ends", async () => {
    await using caller = await Caller.open();
    let more = (): void => {};
    caller.tools.provide("", "t", async function* (_: unknown) {
      for (let i = 0; i < 100; i++) yield i;
      await new Promise<void>((resolve) => {
        more = resolve;
      });
      yield "last";
    });
    const id = caller.stream("t");
    const first: unknown[] = [];
    const messages: number[] = [];
    while (first.length < 100) {
      const frame = await caller.next(id);
      messages.push(itemsIn(frame).length);
      first.push(...itemsIn(frame));
    }
    expect(first).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(messages[0]).toBe(64);
    more();
    expect(itemsIn(await caller.next(id))).toEqual(["last"]);
    expect(await caller.next(id)).toMatchObject({ kind: Kind.END });
  });

  test("gives what it had before it failed", async () => {
    await using caller = await Caller.open();
    caller.tools.provide("", "t", function* () {
      yield 1;
      yield 2;
      throw new RangeError("end");
    });
    caller.tools.provide("", "odd", function* () {
      yield new Float32Array([1]);
      yield Symbol("no");
    });
    const id = caller.stream("t");
    expect(itemsIn(await caller.next(id))).toEqual([1, 2]);
    expect(errorOf(await caller.next(id))).toMatchObject({ _tag: "HostToolFailed", tool: "t", type: "RangeError" });
    const odd = caller.stream("odd");
    expect(read(StreamToolResponseSchema, await caller.next(odd))).toMatchObject({ items: [{}], buffers: [{ dtype: "f4" }] });
    expect(errorOf(await caller.next(odd))).toMatchObject({ _tag: "UnsupportedValue" });
  });

  test("that is no proper iterator has failed", async () => {
    await using caller = await Caller.open();
    const odd: Readonly<Record<string, () => unknown>> = {
      throws: () => {
        throw new Error("none");
      },
      none: () => null,
      number: () => ({ next: () => 5 }),
    };
    for (const [name, make] of Object.entries(odd)) {
      caller.tools.provide("", name, () => ({ [Symbol.asyncIterator]: make }));
      expect(errorOf(await caller.next(caller.stream(name)))).toMatchObject({ _tag: "HostToolFailed", tool: name });
    }
    let steps = 0;
    const valueless = { next: () => (steps++ < 2 ? {} : { done: 1 }), [Symbol.asyncIterator]: () => valueless };
    caller.tools.provide("", "valueless", () => valueless);
    expect(itemsIn(await caller.next(caller.stream("valueless")))).toEqual([null, null]);
  });

  test("is left by return when Python cancels, also while it works on an item", async () => {
    await using caller = await Caller.open();
    const { promise: returned, resolve } = Promise.withResolvers<string>();
    const endless = {
      next: () => new Promise<IteratorResult<number>>(() => {}),
      return: async () => {
        resolve("returned");
        return { done: true, value: undefined } as const;
      },
      [Symbol.asyncIterator]: () => endless,
    };
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    caller.tools.provide("", "t", () => {
      start();
      return endless;
    });
    const id = caller.stream("t");
    await started;
    caller.peer.send({ kind: Kind.CANCEL, call: id });
    expect(await returned).toBe("returned");
  });

  test("that is always ready leaves the turn to others, so that its cancel is read", async () => {
    await using caller = await Caller.open();
    let given = 0;
    const { promise: returned, resolve } = Promise.withResolvers<void>();
    caller.tools.provide("", "t", function* () {
      try {
        for (;;) yield given++;
      } finally {
        resolve();
      }
    });
    const id = caller.stream("t");
    await caller.next(id);
    caller.peer.send({ kind: Kind.CANCEL, call: id });
    await returned;
    // The credit of the stream alone would let 65,536 items through.
    expect(given).toBeLessThan(20_000);
  });

  test("waits for credit, and is left by return when its time is up", async () => {
    await using caller = await Caller.open();
    let given = 0;
    const { promise: returned, resolve } = Promise.withResolvers<void>();
    caller.tools.provide("", "t", async function* () {
      try {
        for (;;) yield "x".repeat(10_000 + (given++ % 2));
      } finally {
        resolve();
      }
    });
    const id = caller.stream("t", [], {}, 1_000);
    await returned;
    const last = await caller.peer.frames.until((frame) => frame.call === id && frame.kind === Kind.ERROR);
    expect(errorOf(last)).toMatchObject({ _tag: "CallTimeout", tool: "t", timeoutMs: 1_000 });
    // The window is 1 MiB; one message may bring it below zero, and one more is prepared.
    expect(given * 10_000).toBeGreaterThan(1_000_000);
    expect(given * 10_000).toBeLessThan(1_500_000);
  });

  test("keeps the call of Python's for the calls that it makes between its items", async () => {
    await using caller = await Caller.open();
    caller.tools.provide("", "t", async function* () {
      yield currentHostCall()?.depth;
      await Promise.resolve();
      yield currentHostCall()?.worker;
    });
    const id = caller.stream("t");
    expect(itemsIn(await caller.next(id))).toEqual([1, "w1"]);
  });

  test("and one that does not are told apart", async () => {
    await using caller = await Caller.open();
    let runs = 0;
    caller.tools.provide("", "gen", async function* () {
      yield ++runs;
    });
    caller.tools.provide("", "iter", () => new Set([1]).values());
    caller.tools.provide("", "value", () => [1, 2]);
    const streams = { _tag: "StreamingMismatch", streaming: true, use: "stream_tool" };
    expect(await failure(caller.call("gen"))).toMatchObject({ ...streams, tool: "gen" });
    expect(await failure(caller.call("iter"))).toMatchObject({ ...streams, tool: "iter" });
    expect(runs).toBe(0);
    expect(errorOf(await caller.next(caller.stream("value")))).toMatchObject({ streaming: false, use: "call_tool" });
    expect(await caller.call("value")).toEqual([1, 2]);
    expect(itemsIn(await caller.next(caller.stream("iter")))).toEqual([1]);
  });
});
