import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { Code } from "@connectrpc/connect";
import { fromConnectError } from "../src/errors/wire.ts";
import { fromJsonValue, packValue, toJsonValue } from "../src/gateway/rpc/values.ts";
import { RetryPolicy, ValueForm } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { Snakepit } from "../src/index.ts";
import { decode } from "../src/value/index.ts";
import { clientOf, refused, somebody } from "./gateway.rpc.support.ts";
import { behaviour, failure, Lines, temporaryFolder, toolFile, until } from "./pool.support.ts";

let pit: Snakepit;
beforeAll(async () => {
  pit = await Snakepit.open({ tools: [toolFile("api"), toolFile("behaviour")], workers: 1, retryBackoffMs: 1, onLog: () => {} });
});
afterAll(() => pit.close());

test("a tool is called with JSON and answers JSON", async () => {
  const { result, resultMsgpack } = await clientOf(pit).executeTool({ tool: "add", args: toJsonValue({ a: 1, b: 2 }) });
  expect(result && fromJsonValue(result)).toBe(3);
  expect(resultMsgpack).toBeUndefined();
});

test("a tool is called with MessagePack and answers MessagePack, or the form that is asked for", async () => {
  const client = clientOf(pit);
  const args = { tool: "add", argsMsgpack: packValue({ a: 1, b: 2.5 }).msgpack };
  const packed = await client.executeTool(args);
  expect(decode(packed.resultMsgpack ?? new Uint8Array())).toBe(3.5);
  expect(packed.result).toBeUndefined();
  const plain = await client.executeTool({ ...args, form: ValueForm.JSON });
  expect(plain.result && fromJsonValue(plain.result)).toBe(3.5);
});

test("a streaming tool gives its items in the form of the request", async () => {
  const items: unknown[] = [];
  for await (const { item } of clientOf(pit).executeToolStream({ tool: "countdown", args: toJsonValue({ start: 3 }) })) {
    items.push(item && fromJsonValue(item));
  }
  expect(items).toEqual([3, 2, 1]);
});

test("the tools that somebody may call are listed, and no others", async () => {
  const only = somebody("adder", { may: (action) => action.kind === "tool" && action.tool === "add" });
  const { tools } = await clientOf(pit, only).listTools({});
  expect(tools.map(({ name, location }) => ({ name, location }))).toEqual([{ name: "add", location: "" }]);
});

test("a tool that somebody may not call is refused, whether it is there or not", async () => {
  const client = clientOf(pit, somebody("adder", { may: (action) => action.kind === "tool" && action.tool.startsWith("ad") }));
  expect((await refused(client.executeTool({ tool: "countdown" }))).code).toBe(Code.PermissionDenied);
  expect((await refused(client.executeTool({ tool: "countdowm" }))).code).toBe(Code.PermissionDenied);
  const missing = fromConnectError(await refused(client.executeTool({ tool: "adt" })));
  expect(missing).toMatchObject({ _tag: "ToolNotFound", nearest: ["add"] });
});

test("a failure is told without its traceback, except to those who may see it", async () => {
  const call = { tool: "fail", args: toJsonValue({ message: "no" }) };
  const stranger = fromConnectError(await refused(clientOf(pit).executeTool(call)));
  expect(stranger).toMatchObject({ _tag: "ToolFailed", type: "ValueError", detail: "no", traceback: "" });
  expect(stranger).toMatchObject({ causes: [{ type: "KeyError", traceback: "" }] });
  const friend = fromConnectError(await refused(clientOf(pit, somebody("friend", { tracebacks: true })).executeTool(call)));
  expect(friend).toMatchObject({
    traceback: expect.stringContaining("in fail"),
    causes: [{ traceback: expect.stringContaining("KeyError") }],
  });
});

test("what a worker said before it died is not for strangers, not even in the message", async () => {
  const error = await refused(clientOf(pit).executeTool({ tool: "die" }));
  expect(fromConnectError(error)).toMatchObject({ _tag: "WorkerCrashed", exitCode: 3, stderr: [] });
  expect(error.message).not.toContain("goodbye");
});

test("a call is made again only as its caller says", async () => {
  const path = (name: string): string => join(temporaryFolder(), name);
  const call = (retry: RetryPolicy) => clientOf(pit).executeTool({ tool: "die_once", args: toJsonValue({ path: path("died") }), retry });
  expect(fromConnectError(await refused(call(RetryPolicy.NEVER)))?._tag).toBe("WorkerCrashed");
  const { result } = await call(RetryPolicy.SAFE);
  expect(result && fromJsonValue(result)).toBe("second time");
});

test("calls of a higher priority leave the queue first", async () => {
  const said = new Lines();
  await using own = await Snakepit.open({ tools: behaviour, workers: 1, onLog: said.onLog });
  const client = clientOf(own);
  const enough = new AbortController();
  const work = (name: string, priority: number) => client.executeTool({ tool: "work", args: toJsonValue({ name }), priority });
  const first = own.execute("work", { name: "first", seconds: 60 }, { signal: enough.signal });
  await said.said("first began");
  const waiting = [work("low", -1), work("high", 5)];
  await until(() => own.stats().queued === 2);
  enough.abort();
  expect((await failure(first))._tag).toBe("Cancelled");
  await Promise.all(waiting);
  await said.said("low began");
  const began = said.events.map(({ text }) => text).filter((text) => text.endsWith(" began"));
  expect(began).toEqual(["first began", "high began", "low began"]);
});

test("a pool is called by its name, and one that there is not is the caller's mistake", async () => {
  const { result } = await clientOf(pit).executeTool({ tool: "add", pool: "default", args: toJsonValue({ a: 2 }) });
  expect(result && fromJsonValue(result)).toBe(2);
  expect((await refused(clientOf(pit).executeTool({ tool: "add", pool: "other" }))).code).toBe(Code.InvalidArgument);
});
