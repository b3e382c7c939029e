import { afterAll, beforeAll, expect, test } from "bun:test";
import { Code } from "@connectrpc/connect";
import { fromConnectError } from "../src/errors/wire.ts";
import { fromJsonValue, packValue, toJsonValue } from "../src/gateway/rpc/values.ts";
import { ValueForm } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { Snakepit } from "../src/index.ts";
import { decode } from "../src/value/index.ts";
import { clientOf, refused, somebody } from "./gateway.rpc.support.ts";
import { toolFile } from "./pool.support.ts";

let pit: Snakepit;
beforeAll(async () => {
  pit = await Snakepit.open({ tools: [toolFile("api"), toolFile("behaviour")], workers: 1 });
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
