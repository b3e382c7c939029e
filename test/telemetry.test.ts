/** What a pit tells of itself: whole stories, in order, of real workers. */
import { expect, test } from "bun:test";
import { type CallEvent, type PitEvent, Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { behaviour, failure, Lines, toolFile, until } from "./pool.support.ts";

const types = (events: readonly PitEvent[]): string[] => events.map(({ type }) => type);
const ofCalls = (events: readonly PitEvent[]): CallEvent[] => events.filter((event): event is CallEvent => event.type.startsWith("call."));

test("a call's story is told whole and in order, with where it was and how long it took", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onEvent: (event) => events.push(event) });
  await pit.execute("nap", { seconds: 0.02 });
  expect(types(events).filter((type) => !type.startsWith("worker.s") && type !== "worker.ready")).toEqual([
    "worker.busy",
    "call.started",
    "worker.idle",
    "call.finished",
  ]);
  const [started, finished] = ofCalls(events);
  expect(started).toMatchObject({
    type: "call.started",
    pool: "default",
    tool: "nap",
    session: "",
    worker: "default-1",
    attempt: 1,
    call: 1,
  });
  expect(finished).toMatchObject({
    type: "call.finished",
    call: 1,
    outcome: "succeeded",
    error: undefined,
    worker: "default-1",
    attempts: 1,
  });
  if (finished?.type !== "call.finished") throw new Error("it is not over");
  expect(finished.ranUs).toBeGreaterThanOrEqual(20_000);
  expect(finished.durationMs).toBeGreaterThanOrEqual(finished.ranUs / 1000);
  expect(finished.queuedMs).toBeLessThan(finished.durationMs - 19);
  expect(finished.time).toBeGreaterThanOrEqual(started?.time ?? Number.POSITIVE_INFINITY);
});

test("a call that waits says so, and how long it waited", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, onEvent: (event) => events.push(event) });
  await Promise.all([pit.execute("nap", { seconds: 0.05 }), pit.execute("nap", { seconds: 0 })]);
  const second = ofCalls(events).filter(({ call }) => call === 2);
  expect(second).toMatchObject([{ type: "call.queued", waiting: 0 }, { type: "call.started" }, { type: "call.finished" }]);
  expect(second[1]).toHaveProperty("queuedMs", expect.any(Number));
  for (const event of second.slice(1)) if ("queuedMs" in event) expect(event.queuedMs).toBeGreaterThan(40);
});

test("a crash is told with the retry of the call that it hit, the worker that follows and the session that moves", async () => {
  const lines = new Lines();
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({
    tools: behaviour,
    workers: 1,
    retryBackoffMs: 1,
    onLog: lines.onLog,
    onEvent: (event) => events.push(event),
  });
  await using session = await pit.session("user");
  const answer = session.execute<string>("work_again", { name: "again", seconds: 0.3 });
  await lines.said("again began");
  await killWorker(pit);
  expect(await answer).toBe("again");
  await pit.close();
  const of = (subject: "worker" | "call" | "session", prefix: string, id: string | number): string[] =>
    types(
      events.filter(
        (event) => event.type.startsWith(prefix) && Object.entries(event).some(([key, value]) => key === subject && value === id),
      ),
    );
  expect(of("worker", "worker.", "default-1")).toEqual(["worker.spawned", "worker.ready", "worker.busy", "worker.crashed", "worker.idle"]);
  expect(of("worker", "worker.", "default-2")).toEqual([
    "worker.spawned",
    "worker.ready",
    "worker.restarted",
    "worker.busy",
    "worker.idle",
    "worker.stopped",
  ]);
  expect(of("call", "call.", 1)).toEqual(["call.started", "call.retried", "call.queued", "call.started", "call.finished"]);
  expect(of("session", "session.", "user")).toEqual(["session.created", "session.moved", "session.released"]);
  const crashed = events.find((event) => event.type === "worker.crashed");
  expect(crashed?.error).toHaveProperty("signal", "SIGKILL");
  expect(events.find((event) => event.type === "worker.restarted")).toMatchObject({ worker: "default-2", follows: "default-1" });
  expect(events.find((event) => event.type === "session.moved")).toMatchObject({ from: "default-1", to: "default-2" });
  expect(ofCalls(events)).toMatchObject([
    { worker: "default-1", attempt: 1 },
    { type: "call.retried" },
    { waiting: 0 },
    { worker: "default-2", attempt: 2 },
    { worker: "default-2", attempts: 2, outcome: "succeeded" },
  ]);
  const times = events.map(({ time }) => time);
  expect(times).toEqual(times.toSorted((a, b) => a - b));
});

test("calls that fail, are cancelled or run out of time say so once", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, queueSize: 1, onEvent: (event) => events.push(event) });
  const calls = Array.from({ length: 3 }, () => pit.execute("nap", { seconds: 0.05 }));
  await Promise.allSettled(calls);
  await failure(pit.execute("fail", { message: "no" }));
  await failure(pit.execute("nap", { seconds: 5 }, { timeoutMs: 20 }));
  await failure(pit.execute("nap", { seconds: 5 }, { signal: AbortSignal.abort() }));
  const outcomes = events.filter((event) => event.type === "call.finished").map(({ call, outcome, error }) => [call, outcome, error?._tag]);
  expect(outcomes.toSorted()).toEqual([
    [1, "succeeded", undefined],
    [2, "succeeded", undefined],
    [3, "failed", "QueueFull"],
    [4, "failed", "ToolFailed"],
    [5, "timedOut", "CallTimeout"],
    [6, "cancelled", "Cancelled"],
  ]);
  expect(events.filter((event) => event.type === "call.queued")).toMatchObject([{ call: 2 }]);
});

test("a hedged call is one call, and makes both of its workers busy", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({
    tools: behaviour,
    workers: 2,
    onLog: () => {},
    onEvent: (event) => events.push(event),
  });
  await pit.ready();
  await pit.execute("work_again", { name: "twice", seconds: 0.2 }, { hedgeMs: 20 });
  await until(() => events.filter(({ type }) => type === "worker.idle").length === 2);
  expect(types(ofCalls(events))).toEqual(["call.started", "call.finished"]);
  for (const worker of ["default-1", "default-2"]) {
    const own = events.filter((event) => "worker" in event && event.worker === worker && /busy|idle/.test(event.type));
    expect(types(own)).toEqual(["worker.busy", "worker.idle"]);
  }
});

test("workers that are taken out of service say why, and which follow them", async () => {
  const lines = new Lines();
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({
    tools: behaviour,
    workers: 1,
    graceMs: 100,
    onLog: lines.onLog,
    onEvent: (event) => events.push(event),
  });
  await pit.reload();
  const stubborn = failure(pit.execute("stubborn", {}, { timeoutMs: 1_000 }));
  await lines.said("stubborn began");
  await stubborn;
  await until(() => events.some((event) => event.type === "worker.ready" && event.worker === "default-3"));
  await pit.close();
  expect(events.filter((event) => event.type === "worker.recycled")).toMatchObject([
    { worker: "default-1", reason: "reload" },
    { worker: "default-2", reason: "cancel" },
  ]);
  expect(events.filter((event) => event.type === "worker.restarted")).toMatchObject([
    { worker: "default-2", follows: "default-1" },
    { worker: "default-3", follows: "default-2" },
  ]);
  expect(types(events)).not.toContain("worker.crashed");
  expect(new Set(events.flatMap((event) => (event.type === "worker.stopped" ? [event.worker] : []))).size).toBe(3);
}, 60_000);

test("a worker that cannot start says why", async () => {
  const events: PitEvent[] = [];
  await failure(Snakepit.open({ tools: toolFile("broken_import"), workers: 1, onLog: () => {}, onEvent: (event) => events.push(event) }));
  expect(types(events)).toEqual(["worker.spawned", "worker.failed"]);
  const failed = events.find((event) => event.type === "worker.failed");
  expect(failed?.error._tag).toBe("WorkerStartFailed");
});

test("variables say who changed them, and what was not kept is not told", async () => {
  const events: PitEvent[] = [];
  await using pit = await Snakepit.open({ tools: toolFile("session"), workers: 1, onEvent: (event) => events.push(event) });
  await using session = await pit.session("user");
  await session.variables.register("t", { type: "float", value: 0.5, constraints: { max: 1 } });
  await failure(session.variables.set("t", 2));
  await session.execute("use", { method: "set_variable", args: ["t", 0.75], kwargs: {} });
  await session.variables.delete("t");
  expect(events.filter(({ type }) => type.startsWith("variable."))).toMatchObject([
    { type: "variable.set", session: "user", name: "t", version: 0, source: { side: "typescript" } },
    { type: "variable.set", session: "user", name: "t", version: 1, source: { side: "python", worker: "default-1", tool: "use" } },
    { type: "variable.deleted", session: "user", name: "t", version: 1 },
  ]);
});

test("a reader that is slow is told how many events it has missed, and then what came last", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  const read = pit.events();
  const calls = 3_000;
  await Promise.all(Array.from({ length: 600 }, () => pit.execute("square", { n: 1 })));
  for (let done = 600; done < calls; done += 600) await Promise.all(Array.from({ length: 600 }, () => pit.execute("square", { n: 1 })));
  await pit.close();
  const events: PitEvent[] = [];
  for await (const event of read) events.push(event);
  const [first, ...rest] = events;
  if (first?.type !== "dropped") throw new Error("nothing was left out");
  expect(rest.length).toBe(4_096);
  expect(rest.filter(({ type }) => type === "dropped")).toEqual([]);
  expect(Math.max(...ofCalls(rest).map(({ call }) => call))).toBe(calls);
});

test("no event is lost or told twice among 10,000 calls, and the events agree with the counters", async () => {
  const started = new Map<number, number>();
  const finished = new Map<number, number>();
  let busy = 0;
  await using pit = await Snakepit.open({
    tools: behaviour,
    workers: 2,
    onEvent(event) {
      if (event.type === "call.started") started.set(event.call, (started.get(event.call) ?? 0) + 1);
      else if (event.type === "call.finished") {
        if (!started.has(event.call)) throw new Error(`call ${event.call} ended before it began`);
        finished.set(event.call, (finished.get(event.call) ?? 0) + 1);
      } else if (event.type === "worker.busy") busy++;
      else if (event.type === "worker.idle") busy--;
    },
  });
  for (let done = 0; done < 10_000; done += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, n) => pit.execute(n % 2 === 0 ? "square" : "square_later", { n })));
  }
  expect([started.size, finished.size, pit.stats().succeeded]).toEqual([10_000, 10_000, 10_000]);
  expect(new Set([...started.values(), ...finished.values()])).toEqual(new Set([1]));
  expect(busy).toBe(0);
});
