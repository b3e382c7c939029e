/**
 * How the client behaves, on every runtime that has `fetch`: each case is a sentence and a program that fails when it is not true. A real gateway with a real
 * pit answers; what is to happen to the connection in between is asked for over HTTP.
 */
import { type ConnectOptions, connect, isSnakepitError, NdArray, type VariableChange } from "../src/client.ts";
import { equal, fails, ok, take } from "./client.expect.ts";

/** What a program is given to run the cases with. */
export interface ClientBench {
  /** The gateway, through a proxy. */
  readonly url: string;
  /** What does as it is asked: see client.support.ts. */
  readonly control: string;
  /** A gateway that lets one request through each second. */
  readonly limited: string;
  /** A token that may call every tool and have sessions, and one that may call `add`. */
  readonly token: string;
  readonly narrow: string;
}

/** A case, with a client of its own. */
type Case = (tools: Tools) => Promise<void>;

/** What every case has. */
interface Tools {
  readonly bench: ClientBench;
  readonly pit: ReturnType<typeof connect>;
  /** A client with other options. */
  open(options: Partial<ConnectOptions>): ReturnType<typeof connect>;
  /** Asks the control for something. */
  tell(deed: string, parameters?: Readonly<Record<string, string>>): Promise<unknown>;
  /** A name that no other case has. */
  name(): string;
}

/** A port of this machine where nobody listens. */
const NOBODY = "http://127.0.0.1:9";

let names = 0;
/** Different for every program that runs the cases against one gateway. */
const run = Math.floor(Math.random() * 1e9).toString(36);

/** Runs every case, one after the other, and gives what went wrong by sentence; an empty text for those that hold. */
export async function runCases(bench: ClientBench, only = ""): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  for (const [sentence, holds] of Object.entries(cases)) {
    if (!sentence.includes(only)) continue;
    const opened: ReturnType<typeof connect>[] = [];
    const open = (options: Partial<ConnectOptions>) => {
      const client = connect({ url: bench.url, token: bench.token, ...options });
      opened.push(client);
      return client;
    };
    const tell = async (deed: string, parameters: Readonly<Record<string, string>> = {}): Promise<unknown> => {
      const response = await fetch(`${bench.control}/${deed}?${new URLSearchParams(parameters)}`);
      const answer: unknown = await response.json();
      if (!response.ok) throw new Error(String(answer));
      return answer;
    };
    try {
      await holds({ bench, pit: open({}), open, tell, name: () => `${run}-${names++}` });
      outcomes[sentence] = "";
    } catch (error) {
      outcomes[sentence] = described(error);
    }
    await Promise.all(opened.map((client) => client.close().catch(() => {})));
  }
  return outcomes;
}

function described(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${error.message}\n${error.stack ?? ""}${error.cause === undefined ? "" : `\ncaused by ${described(error.cause)}`}`;
}

/** The next change of a watch. */
async function next(watch: AsyncIterator<VariableChange>): Promise<VariableChange> {
  const { value, done } = await watch.next();
  ok(done !== true, "the watch has ended");
  return value;
}

const brief = ({ kind, name, value, version, coalesced }: VariableChange) => ({ kind, name, value, version, coalesced });

/** The cases by their sentence. */
export const cases: Readonly<Record<string, Case>> = {
  "a call gives what the tool returns": async ({ pit }) => {
    equal(await pit.execute("add", { a: 1, b: 2 }), 3);
    equal(await pit.execute("add", { a: 1 }), 1);
    equal(await pit.pool("other").execute("add", { a: 1 }), 1);
    await fails(pit.pool("other").execute("add", { a: 1, b: 2 }), "InvalidArguments");
  },

  "values come back as they went": async ({ pit }) => {
    const large = new Uint8Array(200_000).fill(7);
    const values = [
      null,
      true,
      "text with ä and 🐍",
      2 ** 53 - 1,
      2n ** 53n,
      -(2n ** 200n),
      0.1,
      -0.5,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      new Uint8Array([1, 2, 3]),
      large,
      new Date("2020-01-02T03:04:05.678Z"),
      [1, [2, [3]]],
      { a: { b: [1] } },
      new Map<unknown, unknown>([
        [1, "one"],
        [2n ** 60n, "many"],
      ]),
      new Float64Array([1.5, -2]),
      new Int16Array([-1, 2]),
      new BigInt64Array([-1n, 2n ** 62n]),
      new NdArray(new Float64Array([1, 2, 3, 4, 5, 6]), [2, 3]),
      { nested: [new Float32Array([0.5]), { bytes: new Uint8Array(70_000) }] },
    ];
    for (const value of values) equal(await pit.execute("echo", { value }), value);
    const bytes = await pit.execute<Uint8Array>("echo", { value: large });
    equal(bytes.buffer.byteLength, large.length);
  },

  "a stream gives its items in order, and is begun when the first is asked for": async ({ pit }) => {
    equal(await take(pit.executeStream("countdown", { start: 3 })), [3, 2, 1]);
    equal((await take(pit.executeStream<number>("count", { stop: 5_000 }))).length, 5_000);
    pit.executeStream("countdown", { start: "never asked for" });
  },

  "leaving a stream closes the generator": async ({ pit, tell }) => {
    const before = Number(await tell("count", { text: "generator closed" }));
    equal(await take(pit.executeStream("count_said", { stop: 1_000_000 }), 2), [0, 1]);
    await tell("said", { text: "generator closed", times: String(before + 1) });
  },

  "a stream can be left while its next item is waited for": async ({ pit, name, tell }) => {
    const text = name();
    const items = pit.executeStream("one_then_wait", { name: text });
    equal((await items.next()).value, text);
    const waiting = items.next();
    await items.return?.();
    equal((await waiting).done, true);
    await tell("said", { text: `${text} left` });
  },

  "a stream that fails gives what came before": async ({ pit }) => {
    const items: number[] = [];
    const failing = (async () => {
      for await (const item of pit.executeStream<number>("count_then_fail", { stop: 2 })) items.push(item);
    })();
    equal((await fails<{ detail: string }>(failing, "ToolFailed")).detail, "no more");
    equal(items, [0, 1]);
  },

  "errors are those that the program with the workers has": async ({ pit, tell }) => {
    const calls: readonly [string, Record<string, unknown>][] = [
      ["fail", { message: "bad" }],
      ["nothing_of_this_name", {}],
      ["add", { a: "x" }],
      ["add", {}],
      ["countdown", { start: 1 }],
    ];
    for (const [tool, args] of calls) {
      const local = (await tell("failure", { tool, args: JSON.stringify(args) })) as Record<string, unknown>;
      const error = await fails(pit.execute(tool, args), String(local["_tag"]));
      equal(error.message, local["message"]);
      equal(JSON.parse(JSON.stringify({ ...error.fields, ...hidden })), { ...fieldsOf(local), ...hidden });
    }
    const mismatch = await fails<{ use: string }>(take(pit.executeStream("add", { a: 1 })), "StreamingMismatch");
    equal(mismatch.use, "execute");
  },

  "what makes no sense is refused before anything is sent": async ({ pit, open, bench }) => {
    const nobody = open({ url: NOBODY });
    // @ts-expect-error: a program without types may do so
    await fails(nobody.execute(5), "InvalidOptions");
    // @ts-expect-error: a program without types may do so
    await fails(nobody.execute("add", [1]), "InvalidArguments");
    await fails(nobody.execute("add", {}, { timeoutMs: -1 }), "InvalidOptions");
    await fails(nobody.execute("add", {}, { priority: 0.5 }), "InvalidOptions");
    // @ts-expect-error: there is no such option here
    await fails(nobody.execute("add", {}, { onProgress: () => {} }), "InvalidOptions");
    await fails(nobody.session(""), "InvalidOptions");
    // @ts-expect-error: a program without types may do so
    await fails(nobody.session("s", { affinity: "none" }), "InvalidOptions");
    const session = await pit.session();
    await fails(session.variables.set("x", 1, { expectedVersion: -1 }), "InvalidOptions");
    await fails(take(session.variables.watch(["x"], { seen: { x: -1 } })), "InvalidOptions");
    for (const options of [
      { url: "nowhere" },
      { url: "ftp://x" },
      { token: "" },
      { token: "a\nb" },
      { headers: { "a b": "" } },
      { retries: -1 },
      { unknown: 1 },
    ]) {
      const opening = (async () => connect({ url: bench.url, ...options } as ConnectOptions))();
      await fails(opening, "InvalidOptions");
    }
  },

  "functions and async iterables are refused by their path": async ({ pit, name }) => {
    const fn = await fails<{ path: string }>(pit.execute("echo", { value: { f: () => 1 } }), "UnsupportedValue");
    equal(fn.path, "$.value.f");
    ok(fn.message.includes("gateway"), fn.message);
    async function* numbers() {
      yield 1;
    }
    const stream = await fails<{ path: string }>(pit.execute("total", { numbers: numbers() }), "UnsupportedValue");
    ok(stream.message.includes("gateway"), stream.message);
    const providing = (async () => pit.provide("lookup", () => 1))();
    await fails(providing, "UnsupportedValue");
    await using session = await pit.session(name());
    await fails((async () => session.provide("lookup", () => 1))(), "UnsupportedValue");
  },

  "a call past its time fails, and its tool is stopped": async ({ pit, name, tell }) => {
    // On a busy machine a tool may not have begun when its time is up: the next has twice as much.
    const late = async (call: (text: string, timeoutMs: number) => Promise<boolean>): Promise<string> => {
      for (let timeoutMs = 250; ; timeoutMs *= 2) {
        const text = name();
        if (await call(text, timeoutMs)) return text;
      }
    };
    const stopped = await late(async (text, timeoutMs) => {
      const calling = pit.execute("work", { name: text, seconds: 600 }, { timeoutMs });
      const error = await fails<{ timeoutMs: number; tool: string; limit: string }>(calling, "CallTimeout");
      equal([error.timeoutMs, error.tool, error.limit], [timeoutMs, "work", "call"]);
      return (await tell("count", { text: `${text} began` })) === 1;
    });
    await tell("said", { text: `${stopped} ended by CancelledError` });
    const left = await late(async (text, timeoutMs) => {
      const given: string[] = [];
      const taking = (async () => {
        for await (const item of pit.executeStream<string>("one_then_wait", { name: text }, { timeoutMs })) given.push(item);
      })();
      equal((await fails<{ limit: string }>(taking, "CallTimeout")).limit, "stream");
      return given.length === 1;
    });
    await tell("said", { text: `${left} left` });
    equal(await pit.execute("add", { a: 1 }, { timeoutMs: Number.POSITIVE_INFINITY }), 1);
  },

  "a signal cancels a call, and its reason is the cause": async ({ pit, name, tell }) => {
    const text = name();
    const controller = new AbortController();
    const failing = fails(pit.execute("work", { name: text, seconds: 30 }, { signal: controller.signal }), "Cancelled");
    await tell("said", { text: `${text} began` });
    controller.abort(new Error("no longer wanted"));
    const error = await failing;
    ok(error.cause instanceof Error && error.cause.message === "no longer wanted", String(error.cause));
    await tell("said", { text: `${text} ended by CancelledError` });
    await fails(pit.execute("add", { a: 1 }, { signal: AbortSignal.abort() }), "Cancelled");
    await fails(take(pit.executeStream("count", { stop: 1 }, { signal: AbortSignal.abort() })), "Cancelled");
  },

  "a session keeps variables that tools see": async ({ pit, name }) => {
    const id = name();
    const session = await pit.session(id, { ttlMs: 60_000, metadata: { for: "tests" } });
    equal([session.id, session.metadata], [id, { for: "tests" }]);
    const { variables } = session;
    const entry = await variables.register<number>("temperature", { type: "float", value: 0.7, constraints: { min: 0, max: 2 } });
    equal(
      { ...entry, id: "", at: 0 },
      {
        id: "",
        name: "temperature",
        type: "float",
        value: 0.7,
        version: 0,
        constraints: { min: 0, max: 2 },
        metadata: {},
        source: { side: "typescript" },
        at: 0,
      },
    );
    equal(await session.execute("remember", { name: "temperature", value: 0.5 }), 0.5);
    equal(await session.execute("whoami"), id);
    equal(await variables.get("temperature"), 0.5);
    const changed = await variables.entry("temperature");
    equal([changed.version, changed.source.side, changed.source.tool], [1, "python", "remember"]);
    equal(await variables.set("temperature", 0.9, { expectedVersion: 1 }), 2);
    equal(await variables.update("temperature", (t: number) => t + 1), 1.9);
    equal(await variables.getMany(["temperature", "nope"]), { values: { temperature: 1.9 }, missing: ["nope"] });
    equal(await variables.setMany({ temperature: 1 }, { expectedVersions: { temperature: 3 } }), {
      versions: { temperature: 4 },
      errors: {},
    });
    equal(
      (await variables.list()).map((one) => one.name),
      ["temperature"],
    );
    const info = await session.info();
    equal([info.id, info.metadata, info.ttlMs, info.variables, info.handles], [id, { for: "tests" }, 60_000, 1, 1]);
    ok(
      (await pit.sessions()).some((one) => one.id === id),
      "the session is not listed",
    );
    equal(await variables.delete("temperature"), true);
    equal(await variables.delete("temperature"), false);
    await session.close();
    await fails(session.info(), "SessionClosed");
    await fails(session.execute("whoami"), "SessionClosed");
    await using again = await pit.session(id);
    equal(await again.end(), true);
    equal(await again.end().catch(() => "closed"), "closed");
  },

  "variables hold what they hold in the program with the workers": async ({ pit, name }) => {
    await using session = await pit.session(name());
    const { variables } = session;
    await variables.register("bytes", { type: "bytes", value: new Uint8Array([1, 2]) });
    await variables.register("json", { type: "json", value: { big: 2n ** 60n, list: [1, "a", null] } });
    await variables.register("embedding", { type: "embedding", value: new Float64Array([1, 2.5]) });
    equal(await variables.get("bytes"), new Uint8Array([1, 2]));
    equal(await variables.get("json"), { big: 2n ** 60n, list: [1, "a", null] });
    equal(await variables.get("embedding"), [1, 2.5]);
    await fails(variables.register("json", { type: "json", value: 1 }), "VariableExists");
    equal((await variables.register("json", { type: "json", value: 1, ifNotExists: true })).version, 0);
    await fails(variables.get("nope"), "VariableNotFound");
    await fails(variables.set("nope", 1), "VariableNotFound");
    const conflict = await fails<{ actual: number }>(variables.set("json", 1, { expectedVersion: 5 }), "VersionConflict");
    equal(conflict.actual, 0);
    await fails(variables.set("bytes", "text"), "VariableInvalid");
    await fails(
      variables.set("json", () => 1),
      "UnsupportedValue",
    );
    await fails(variables.register("odd", { type: "nonsense", value: 1 }), "InvalidOptions");
    const batch = await fails<{ errors: Record<string, string> }>(variables.setMany({ bytes: "text", json: 2 }), "BatchFailed");
    equal(Object.keys(batch.errors), ["bytes"]);
    await fails(variables.setMany({ bytes: "text" }), "BatchFailed");
    await fails(variables.setMany({ bytes: () => 1, json: 2 }), "BatchFailed");
    const partly = await variables.setMany({ bytes: "text", json: 2, nope: 1 }, { atomic: false });
    equal(partly.versions, { json: 1 });
    equal(
      Object.entries(partly.errors).map(([variable, error]) => [variable, error._tag]),
      [
        ["bytes", "VariableInvalid"],
        ["nope", "VariableNotFound"],
      ],
    );
  },

  "a session without an id ends with its handle": async ({ pit }) => {
    const session = await pit.session();
    const { id } = session;
    await session.variables.register("x", { type: "integer", value: 1 });
    await session.close();
    await session.close();
    ok(!(await pit.sessions()).some((one) => one.id === id), "the session is still there");
  },

  "a watch gives the values, then every change, then the end": async ({ pit, name, tell }) => {
    const id = name();
    const session = await pit.session(id);
    await session.variables.register("x", { type: "integer", value: 1 });
    const watch = session.variables.watch();
    equal(brief(await next(watch)), { kind: "set", name: "x", value: 1, version: 0, coalesced: 0 });
    const waiting = next(watch);
    equal(await tell("set", { session: id, name: "x", value: "2" }), 1);
    equal(brief(await waiting), { kind: "set", name: "x", value: 2, version: 1, coalesced: 0 });
    await tell("delete", { session: id, name: "x" });
    equal(brief(await next(watch)), { kind: "deleted", name: "x", value: 2, version: 1, coalesced: 0 });
    equal(await session.end(), true);
    equal((await next(watch)).kind, "ended");
    equal((await watch.next()).done, true);
  },

  "a watch ends quietly when it is left, and when its handle or its client closes": async ({ open, name }) => {
    const pit = open({});
    await using session = await pit.session(name());
    const left = session.variables.watch();
    const waiting = left.next();
    await left.return?.();
    equal((await waiting).done, true);
    const other = await pit.session(session.id);
    const closed = other.variables.watch();
    const ended = closed.next();
    await other.close();
    equal((await ended).done, true);
    const last = session.variables.watch();
    const over = last.next();
    await pit.close();
    equal((await over).done, true);
  },

  "a watch goes on where it was when its connection is lost": async ({ open, name, tell }) => {
    const pit = open({ retryBackoffMs: 20 });
    const id = name();
    await using session = await pit.session(id);
    const { variables } = session;
    await variables.register("kept", { type: "integer", value: 0 });
    await variables.register("changed", { type: "integer", value: 0 });
    await variables.register("gone", { type: "integer", value: 7 });
    const watch = variables.watch();
    equal(
      [await next(watch), await next(watch), await next(watch)].map(({ name: variable }) => variable),
      ["kept", "changed", "gone"],
    );
    const waiting = next(watch);
    await tell("refuse");
    await tell("set", { session: id, name: "changed", value: "1" });
    await tell("set", { session: id, name: "changed", value: "2" });
    await tell("set", { session: id, name: "changed", value: "3" });
    await tell("delete", { session: id, name: "gone" });
    await tell("accept");
    const changes = [brief(await waiting), brief(await next(watch))].sort((a, b) => (a.name < b.name ? -1 : 1));
    equal(changes, [
      { kind: "set", name: "changed", value: 3, version: 3, coalesced: 2 },
      { kind: "deleted", name: "gone", value: 7, version: 0, coalesced: 0 },
    ]);
    const further = next(watch);
    await tell("set", { session: id, name: "kept", value: "1" });
    equal(brief(await further), { kind: "set", name: "kept", value: 1, version: 1, coalesced: 0 });
    await watch.return?.();
  },

  "a watch misses nothing, however often its connection is lost": async ({ open, name, tell }) => {
    const pit = open({ retryBackoffMs: 5 });
    const id = name();
    await using session = await pit.session(id);
    await session.variables.register("x", { type: "integer", value: 0 });
    const changes = (async () => {
      const seen: VariableChange[] = [];
      for await (const change of session.variables.watch<number>(["x"])) {
        seen.push(change);
        if (change.version === 30) break;
      }
      return seen;
    })();
    for (let version = 1; version <= 30; version++) {
      await tell("set", { session: id, name: "x", value: String(version) });
      if (version % 5 === 0) await tell("cut");
    }
    const seen = await changes;
    for (const [i, { version, value, coalesced }] of seen.entries()) {
      const before = seen[i - 1];
      equal(value, version);
      if (before !== undefined) equal(version - before.version, coalesced + 1);
    }
  },

  "a watch whose session ended meanwhile says so": async ({ open, name, tell }) => {
    const pit = open({ retryBackoffMs: 20 });
    const id = name();
    const session = await pit.session(id);
    await session.variables.register("x", { type: "integer", value: 1 });
    const watch = session.variables.watch();
    await next(watch);
    await tell("refuse");
    await tell("end", { session: id });
    await tell("accept");
    equal((await next(watch)).kind, "ended");
    equal((await watch.next()).done, true);
    await fails(session.info(), "SessionNotFound");
  },

  "a watch that gets no connection fails after its time": async ({ open, name, tell }) => {
    const pit = open({ retryBackoffMs: 10, reconnectMs: 100 });
    const session = await pit.session(name());
    await session.variables.register("x", { type: "integer", value: 1 });
    const watch = session.variables.watch();
    await next(watch);
    const failing = fails(next(watch), "ConnectionLost");
    await tell("refuse");
    try {
      await failing;
      equal((await watch.next()).done, true);
    } finally {
      await tell("accept");
    }
  },

  "a call whose connection is lost is not made again, since it may have run": async ({ open, name, tell }) => {
    const pit = open({ retryBackoffMs: 10 });
    const text = name();
    const failing = fails(pit.execute("work", { name: text, seconds: 30 }), "ConnectionLost");
    await tell("said", { text: `${text} began` });
    await tell("cut");
    const error = await failing;
    equal(error.retryable, false);
    await tell("said", { text: `${text} ended by CancelledError` });
    equal(await tell("count", { text: `${text} began` }), 1);
  },

  "a call whose connection is lost is made again where that is safe, or asked for": async ({ open, name, tell }) => {
    const pit = open({ retryBackoffMs: 10 });
    const lose = async (calling: (name: string) => Promise<unknown>): Promise<void> => {
      const text = name();
      const outcome = calling(text);
      await tell("said", { text: `${text} hangs` });
      await tell("cut");
      const result = await outcome;
      ok(result === text || isSnakepitError(result), `the result was ${String(result)}`);
    };
    await lose((text) => pit.execute("again", { name: text }));
    await lose((text) => pit.execute("once", { name: text }, { retry: "always" }));
    await lose((text) => fails(pit.execute("again", { name: text }, { retry: "never" }), "ConnectionLost"));
  },

  "a stream whose connection is lost fails where it is": async ({ pit, name, tell }) => {
    const items = pit.executeStream("one_then_wait", { name: name() });
    await items.next();
    const failing = fails(items.next(), "ConnectionLost");
    await tell("cut");
    await failing;
    equal((await items.next()).done, true);
  },

  "a call that cannot reach the gateway is tried again until it can": async ({ open, tell }) => {
    await tell("refuse");
    const pit = open({ retryBackoffMs: 100, retries: 20, retry: "always" });
    const calling = pit.execute("add", { a: 1, b: 2 });
    await tell("accept");
    equal(await calling, 3);
  },

  "a call that never reaches a gateway fails when its tries are used up, or its time": async ({ open }) => {
    const nobody = open({ url: NOBODY, retries: 1, retryBackoffMs: 1, retry: "always" });
    const error = await fails<{ reason: string }>(nobody.execute("add", { a: 1 }), "ConnectionLost");
    ok(error.reason !== "", "it has no reason");
    await fails(nobody.tools(), "ConnectionLost");
    const patient = open({ url: NOBODY, retries: 100, retryBackoffMs: 50, retry: "always" });
    const since = performance.now();
    const late = await patient.execute("add", { a: 1 }, { timeoutMs: 300 }).catch((failure: unknown) => failure);
    ok(isSnakepitError(late) && ["ConnectionLost", "CallTimeout"].includes(late._tag), String(late));
    ok(performance.now() - since < 10_000, "it took longer than its time");
  },

  "a token that is not accepted any more is asked for once again": async ({ open, bench }) => {
    let asked = 0;
    const tokens = async (): Promise<string> => (asked++ === 0 ? `skp_${"0".repeat(43)}` : bench.token);
    const pit = open({ token: tokens });
    equal(await pit.execute("add", { a: 1 }), 1);
    equal(await take(pit.executeStream("countdown", { start: 1 })), [1]);
    equal(asked, 2);
    let wrong = 0;
    const never = open({
      token: () => {
        wrong++;
        return "skp_wrong";
      },
    });
    await fails(never.execute("add", { a: 1 }), "Unauthenticated");
    equal(wrong, 2);
    await fails(open({ token: undefined }).execute("add", { a: 1 }), "Unauthenticated");
    const broken = open({
      token: () => {
        throw new Error("no keys here");
      },
    });
    await fails(broken.execute("add", { a: 1 }), "Unauthenticated");
  },

  "what a token may not do is refused, and it is told only what it may": async ({ open, bench }) => {
    const pit = open({ token: bench.narrow });
    equal(await pit.execute("add", { a: 1, b: 2 }), 3);
    await fails(pit.execute("echo", { value: 1 }), "PermissionDenied");
    await fails(pit.session(), "PermissionDenied");
    equal([...new Set((await pit.tools()).map((tool) => tool.name))], ["add"]);
  },

  "who asks too often comes again when it may": async ({ open, bench }) => {
    const patient = open({ url: bench.limited, retryBackoffMs: 1 });
    equal(await Promise.all([patient.execute("add", { a: 1 }), patient.execute("add", { a: 2 })]), [1, 2]);
    const hasty = open({ url: bench.limited, retry: "never" });
    const outcomes = await Promise.allSettled(Array.from({ length: 3 }, () => hasty.execute("add", { a: 1 })));
    const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    ok(refused.length >= 1, "nothing was refused");
    for (const error of refused) ok(isSnakepitError(error) && error._tag === "RateLimited", String(error));
  },

  "tools are described as they are where the workers are": async ({ pit }) => {
    const tools = await pit.tools();
    const predict = tools.find(({ name: tool }) => tool === "Model.predict");
    equal([predict?.idempotent, predict?.streaming, predict?.parameters.map((parameter) => parameter.name)], [true, false, ["rows"]]);
  },

  "headers, the trace and requests of one's own go along": async ({ bench, open }) => {
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const seen: Headers[] = [];
    const pit = open({
      url: `${bench.url}/`,
      headers: { "x-snakepit-test": "yes" },
      fetch: (url, init) => {
        const headers = new Headers(init.headers);
        seen.push(new Headers(headers));
        // A page of another origin may send only what the gateway lets it.
        headers.delete("x-snakepit-test");
        return fetch(url, { ...init, headers });
      },
    });
    equal(await pit.execute("add", { a: 1 }, { traceparent, timeoutMs: 5_000 }), 1);
    equal([seen[0]?.get("x-snakepit-test"), seen[0]?.get("traceparent")], ["yes", traceparent]);
    ok(Number(seen[0]?.get("connect-timeout-ms")) <= 5_000, "the gateway is not told how much time is left");
  },

  "what is no gateway is told from one": async ({ open, bench }) => {
    const page = open({ url: bench.control, retry: "never" });
    await fails(page.execute("add", { a: 1 }), "ProtocolError");
    const gone = (status: number) => open({ retry: "never", fetch: async () => new Response("no", { status }) });
    await fails(gone(404).execute("add"), "ProtocolError");
    await fails(gone(502).execute("add"), "ConnectionLost");
    await fails(gone(401).execute("add"), "Unauthenticated");
    const cutOff = open({
      retry: "never",
      fetch: async () => new Response(new Uint8Array([0, 0, 0, 0, 9, 1]), { headers: { "content-type": "application/connect+proto" } }),
    });
    await fails(take(cutOff.executeStream("count", { stop: 1 })), "ConnectionLost");
  },

  "a client that is closed fails what runs and what comes, and ends sessions without an id": async ({ open, pit: other, name, tell }) => {
    const pit = open({});
    const { id } = await pit.session();
    const text = name();
    const failing = fails(pit.execute("work", { name: text, seconds: 30 }), "PoolClosed");
    await tell("said", { text: `${text} began` });
    await pit.close();
    await pit.close();
    await failing;
    await tell("said", { text: `${text} ended by CancelledError` });
    await fails(pit.execute("add", { a: 1 }), "PoolClosed");
    await fails(take(pit.executeStream("count", { stop: 1 })), "PoolClosed");
    await fails(pit.session(), "PoolClosed");
    ok(!(await other.sessions()).some((one) => one.id === id), "the session is still there");
  },
};

/** What only somebody who may see it gets. */
const hidden = { traceback: "", causes: [] };

function fieldsOf(local: Readonly<Record<string, unknown>>): object {
  return local["fields"] as object;
}
