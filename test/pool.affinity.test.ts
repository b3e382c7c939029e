/** Where the calls of sessions go, while their worker is free, busy, and gone. */
import { expect, test } from "bun:test";
import process from "node:process";
import { type ObjectRef, type SessionEvent, Snakepit } from "../src/index.ts";
import { behaviour, failure, Lines, toolFile, until } from "./pool.support.ts";

/** The pid of each worker by its id. */
async function pids(pit: Snakepit): Promise<Map<number, string>> {
  return new Map((await pit.workers()).map(({ id, pid }) => [pid, id]));
}

test("two first calls of a session at once agree on its worker", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2 });
  await pit.ready();
  for (let i = 0; i < 10; i++) {
    await using one = await pit.session(`s${i}`, { affinity: "strict-queue" });
    await using other = await pit.session(`s${i}`, { affinity: "strict-queue" });
    const [first, second] = await Promise.all([one.execute<number>("pid"), other.execute<number>("pid")]);
    expect(second).toBe(first);
  }
});

test("with a hint another worker takes the calls while the session's is busy, and only then", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, onLog: lines.onLog });
  await pit.ready();
  await using session = await pit.session("near");
  const home = await session.execute<number>("pid");
  const busy = session.execute("work", { name: "busy", seconds: 0.5 });
  await lines.said("busy began");
  expect(await session.execute<number>("pid")).not.toBe(home);
  expect(lines.count("busy ended")).toBe(0);
  await busy;
  expect(await session.execute<number>("pid")).toBe(home);
  expect(pit.stats()).toMatchObject({ affinityHits: 2, affinityMisses: 1 });
});

test("a call that waits for the worker of its session holds up no other", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, onLog: lines.onLog });
  await pit.ready();
  await using session = await pit.session("patient", { affinity: "strict-queue" });
  const home = await session.execute<number>("pid");
  const busy = session.execute("work", { name: "busy", seconds: 0.5 });
  await lines.said("busy began");
  const waiting = session.execute<number>("pid");
  expect(pit.stats().queued).toBe(1);
  expect(await pit.execute<number>("pid")).not.toBe(home);
  expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
  expect(lines.count("busy ended")).toBe(0);
  expect(await waiting).toBe(home);
  expect(lines.count("busy ended")).toBe(1);
  await busy;
});

test("calls that wait for the worker of their session count in the queue, and have its deadline", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, queueSize: 1, queueTimeoutMs: 100, onLog: lines.onLog });
  await pit.ready();
  await using session = await pit.session("patient", { affinity: "strict-queue" });
  const busy = session.execute("work", { name: "busy", seconds: 0.5 });
  await lines.said("busy began");
  const waiting = failure(session.execute("pid"));
  expect(await failure(session.execute("pid"))).toMatchObject({ _tag: "QueueFull", size: 1 });
  expect(await waiting).toMatchObject({ _tag: "QueueTimeout", waitedMs: 100 });
  await busy;
});

test("a session that does not wait fails at once while its worker is busy, and stays there", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, onLog: lines.onLog });
  await pit.ready();
  await using session = await pit.session("hasty", { affinity: "strict-fail" });
  const home = await session.execute<number>("pid");
  const busy = session.execute("work", { name: "busy", seconds: 0.5 });
  await lines.said("busy began");
  const worker = (await pids(pit)).get(home);
  const error = await failure(session.execute("pid"));
  expect(error).toMatchObject({ _tag: "AffinityUnavailable", session: "hasty", worker, retryable: true });
  expect(lines.count("busy ended")).toBe(0);
  await busy;
  expect(await session.execute<number>("pid")).toBe(home);
});

test("a session whose worker is killed moves and says so, and the calls that waited for it are answered", async () => {
  const lines = new Lines();
  const events: SessionEvent[] = [];
  await using pit = await Snakepit.open({
    tools: behaviour,
    workers: 2,
    onLog: lines.onLog,
    onEvent: (event) => event.type === "session.moved" && events.push(event),
  });
  await pit.ready();
  await using session = await pit.session("patient", { affinity: "strict-queue" });
  const home = await session.execute<number>("pid");
  const from = (await pids(pit)).get(home);
  const lost = failure(session.execute("work", { name: "busy", seconds: 30 }));
  await lines.said("busy began");
  const waiting = Array.from({ length: 3 }, () => session.execute<number>("pid"));
  expect(pit.stats().queued).toBe(3);
  process.kill(home, "SIGKILL");
  expect(await lost).toMatchObject({ _tag: "WorkerCrashed", signal: "SIGKILL" });
  const [now, ...others] = await Promise.all(waiting);
  expect(now).not.toBe(home);
  expect(others).toEqual([now!, now!]);
  const to = (await pids(pit)).get(now!);
  expect(events).toMatchObject([{ session: "patient", from, to }]);
});

test("a session that does not wait fails when its worker has died, until it is opened anew", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  const hasty = await pit.session("hasty", { affinity: "strict-fail" });
  const home = await hasty.execute<number>("pid");
  process.kill(home, "SIGKILL");
  await until(() => pit.stats().crashes === 1);
  await pit.ready();
  for (let i = 0; i < 2; i++) expect(await failure(hasty.execute("pid"))).toMatchObject({ _tag: "AffinityUnavailable" });
  await hasty.close();
  await using anew = await pit.session("hasty", { affinity: "strict-fail" });
  expect(await anew.execute<number>("pid")).not.toBe(home);
});

test("a call that may run again after a crash does so where its session is then", async () => {
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2, retryBackoffMs: 1, onLog: lines.onLog });
  await pit.ready();
  await using session = await pit.session("patient", { affinity: "strict-queue" });
  const home = await session.execute<number>("pid");
  const again = session.execute("work_again", { name: "again", seconds: 0.3 });
  await lines.said("again began");
  process.kill(home, "SIGKILL");
  expect(await again).toBe("again");
  expect(lines.count("again began")).toBe(2);
});

test("with its last handle the workers forget a session", async () => {
  await using pit = await Snakepit.open({ tools: toolFile("nested"), workers: 1 });
  const session = await pit.session("kept", { affinity: "strict-queue" });
  await session.execute("keep", { key: "k", value: 1 });
  expect(await session.execute<number>("kept", { key: "k" })).toBe(1);
  await session.close();
  await using again = await pit.session("kept", { affinity: "strict-queue" });
  expect(await again.execute<null>("kept", { key: "k" })).toBe(null);
});

test("a call with a stored object goes to its worker, and fails by the object's name when that has died", async () => {
  await using pit = await Snakepit.open({ tools: toolFile("nested"), workers: 2 });
  await pit.ready();
  await using session = await pit.session("near");
  const things = await Promise.all([1, 2, 3].map((value) => session.execute<ObjectRef>("make", { value })));
  const names = await pids(pit);
  for (const [i, thing] of things.entries()) {
    const [pid, value] = await session.execute<[number, number]>("value_of", { thing });
    expect([names.get(pid), value]).toEqual([thing.worker, i + 1]);
  }
  await using other = await pit.session("other");
  expect(await failure(other.execute("value_of", { thing: things[0] }))).toMatchObject({ _tag: "InvalidArguments", argument: "thing" });
  const [pid] = await session.execute<[number, number]>("value_of", { thing: things[0] });
  process.kill(pid, "SIGKILL");
  await until(() => pit.stats().crashes === 1);
  const lost = { _tag: "ObjectLost", object: things[0]!.key, worker: things[0]!.worker };
  expect(await failure(session.execute("value_of", { thing: things[0] }))).toMatchObject(lost);
});
