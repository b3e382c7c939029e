import { expect, test } from "bun:test";
import { create } from "@bufbuild/protobuf";
import { Code, createHandlerContext } from "@connectrpc/connect";
import { principalKey } from "../src/gateway/access/principal.ts";
import { adminHandlers } from "../src/gateway/rpc/admin-handlers.ts";
import { toJsonValue } from "../src/gateway/rpc/values.ts";
import { AdminService, WatchEventsRequestSchema } from "../src/gen/snakepit/v1/admin_pb.ts";
import { Snakepit } from "../src/index.ts";
import { coreOf } from "../src/pit/core.ts";
import { adminOf, clientOf, refused, somebody } from "./gateway.rpc.support.ts";
import { behaviour, failure, Lines, until } from "./pool.support.ts";

const open = (lines: Lines = new Lines()): Promise<Snakepit> => Snakepit.open({ tools: behaviour, workers: 1, onLog: lines.onLog });

test("a status says how the pit stands, with the calls that run and wait", async () => {
  const lines = new Lines();
  await using pit = await open(lines);
  const admin = adminOf(pit);
  const running = failure(pit.execute("work", { name: "first", seconds: 60 }));
  await lines.said("first began");
  const waiting = failure(pit.execute("work", { name: "second" }));
  const { status } = await admin.getStatus({});
  expect(status).toMatchObject({ health: "healthy", liveCalls: 2n, sessions: 0 });
  expect(status?.pools).toMatchObject([
    { name: "default", health: "healthy", workers: 1, ready: 1, queued: 1n, counters: { calls: 2, succeeded: 0 } },
  ]);
  expect(status?.workers).toMatchObject([{ status: "busy", startedBy: "spawn" }]);
  const [first, second] = status?.calls ?? [];
  expect(first).toMatchObject({ tool: "work", worker: status?.workers[0]?.id, sessionId: "" });
  expect(second).toMatchObject({ tool: "work", worker: "" });

  // The same calls have the same ids.
  const { status: again } = await admin.getStatus({});
  expect(again?.calls.map(({ id }) => id)).toEqual([first?.id ?? "", second?.id ?? ""]);
  expect(await admin.cancelCall({ id: second?.id ?? "" })).toMatchObject({ cancelled: true });
  expect((await waiting)._tag).toBe("Cancelled");
  expect(await admin.cancelCall({ id: first?.id ?? "" })).toMatchObject({ cancelled: true });
  expect((await running)._tag).toBe("Cancelled");
  expect(await admin.cancelCall({ id: first?.id ?? "" })).toMatchObject({ cancelled: false });
  expect(await admin.cancelCall({ id: "nothing" })).toMatchObject({ cancelled: false });
});

test("a status tells how long calls take once somebody watches, and calls tell nothing when nobody does", async () => {
  await using pit = await open();
  const admin = adminOf(pit);
  await pit.execute("square", { n: 1 });
  const watch = admin.watchStatus({ intervalMs: 100 })[Symbol.asyncIterator]();
  const first = (await watch.next()).value?.status?.pools[0]?.latency;
  expect(first).toMatchObject({ callsPerSecond: 0, p50Ms: 0 });
  for (let n = 0; n < 20; n++) await pit.execute("nap", { seconds: 0.01 });
  const then = (await watch.next()).value?.status?.pools[0]?.latency;
  expect(then?.callsPerSecond).toBeGreaterThan(1);
  expect(then?.p50Ms).toBeGreaterThan(9);
  expect(then?.p99Ms).toBeGreaterThanOrEqual(then?.p50Ms ?? 0);
  await watch.return?.();
});

test("lines and crashes are told, those of the past too, and calls are told to those who want them", async () => {
  const lines = new Lines();
  await using pit = await open(lines);
  const admin = adminOf(pit);
  await failure(pit.execute("die", {}));
  await until(() => pit.stats().crashes === 1);
  await pit.execute("work_again", { name: "remember" });
  await lines.said("remember began");

  const types = ["log", "worker.crashed"];
  const watch = admin.watchEvents({ types, recent: true })[Symbol.asyncIterator]();
  const next = async () => (await watch.next()).value?.event;
  expect(await next()).toBeUndefined();
  const past = [await next(), await next(), await next()];
  expect(past.map((event) => [event?.["type"], event?.["text"]])).toContainEqual(["log", "remember began"]);
  const crash = past.find((event) => event?.["type"] === "worker.crashed");
  expect(crash).toMatchObject({ pool: "default", error: { _tag: "WorkerCrashed", exitCode: 3, stderr: [] } });
  await pit.execute("work_again", { name: "and" });
  expect(await next()).toMatchObject({ type: "log", text: "and began", tool: "" });
  await watch.return?.();

  const listed = (await admin.listEvents({ types: ["log"], limit: 1 })).events;
  expect(listed).toMatchObject([{ type: "log", text: "and began" }]);
  const all = (await admin.listEvents({})).events;
  expect(all.find((event) => event["type"] === "worker.crashed")).toEqual(crash);

  const calls = admin.watchEvents({ types: ["call.finished"] })[Symbol.asyncIterator]();
  await calls.next();
  await pit.execute("square", { n: 2 });
  expect((await calls.next()).value?.event).toMatchObject({ type: "call.finished", tool: "square", outcome: "succeeded" });
  await calls.return?.();
});

test("who may see tracebacks is told what a worker said before it died", async () => {
  await using pit = await open();
  const admin = adminOf(pit, somebody("operator", { tracebacks: true }));
  await failure(pit.execute("die", {}));
  await until(() => pit.stats().crashes === 1);
  const watch = admin.watchEvents({ types: ["worker.crashed"], recent: true })[Symbol.asyncIterator]();
  await watch.next();
  expect((await watch.next()).value?.event).toMatchObject({ error: { stderr: ["goodbye"] } });
  await watch.return?.();
});

test("a worker is killed and replaced, and the tools are taken up anew", async () => {
  await using pit = await open();
  const admin = adminOf(pit);
  const before = (await pit.workers())[0]?.id ?? "";
  expect(await admin.killWorker({ worker: "nobody" })).toMatchObject({ killed: false });
  expect(await admin.killWorker({ worker: before })).toMatchObject({ killed: true });
  await until(() => pit.stats().crashes === 1 && pit.stats().ready === 1);
  const after = (await pit.workers())[0]?.id;
  expect(after).not.toBe(before);
  await admin.reloadTools({});
  await until(async () => (await pit.workers()).every(({ id }) => id !== after));
});

test("looking and acting are allowed apart", async () => {
  await using pit = await open();
  const reader = adminOf(pit, somebody("reader", { may: (action) => action.kind === "admin" && !action.write }));
  expect((await reader.getStatus({})).status?.health).toBe("healthy");
  for (const asked of [reader.cancelCall({ id: "1" }), reader.killWorker({ worker: "default-1" }), reader.reloadTools({})]) {
    expect((await refused(asked)).code).toBe(Code.PermissionDenied);
  }
  const caller = adminOf(pit, somebody("caller", { may: ({ kind }) => kind === "tool" }));
  const watching = [caller.watchStatus({}), caller.watchEvents({})].map((watch) => watch[Symbol.asyncIterator]().next());
  for (const asked of [caller.getStatus({}), ...watching]) expect((await refused(asked)).code).toBe(Code.PermissionDenied);
  const tooOften = adminOf(pit).watchStatus({ intervalMs: 5 })[Symbol.asyncIterator]().next();
  expect((await refused(tooOften)).code).toBe(Code.InvalidArgument);
});

test("a call of the gateway can be seen and cancelled, whoever made it", async () => {
  const lines = new Lines();
  await using pit = await open(lines);
  const called = refused(clientOf(pit).executeTool({ tool: "work", args: toJsonValue({ name: "mine", seconds: 60 }) }));
  await lines.said("mine began");
  const { status } = await adminOf(pit).getStatus({});
  await adminOf(pit).cancelCall({ id: status?.calls[0]?.id ?? "" });
  expect((await called).code).toBe(Code.Canceled);
});

test("a watch whose caller has left before it began ends", async () => {
  await using pit = await open();
  const context = createHandlerContext({
    service: AdminService,
    method: AdminService.method.watchEvents,
    protocolName: "connect",
    requestMethod: "POST",
    url: "http://localhost",
    requestSignal: AbortSignal.abort(new Error("the caller has left")),
  });
  context.values.set(principalKey, somebody());
  const watch = adminHandlers(coreOf(pit)).watchEvents(create(WatchEventsRequestSchema), context)[Symbol.asyncIterator]();
  await watch.next();
  await expect(watch.next()).rejects.toThrow("the caller has left");
});
