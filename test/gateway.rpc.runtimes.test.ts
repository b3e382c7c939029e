/** The gateway's services over real sockets, on every runtime. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect as connectSocket, type Socket } from "node:net";
import { create, toBinary } from "@bufbuild/protobuf";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { fromConnectError } from "../src/errors/wire.ts";
import { fromJsonValue, packValue, toJsonValue } from "../src/gateway/rpc/values.ts";
import { AdminService } from "../src/gen/snakepit/v1/admin_pb.ts";
import { GatewayService, GatewayServiceExecuteToolStreamRequestSchema } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { decode } from "../src/value/index.ts";
import { endGateways, type GatewayProgram, startGateway } from "./gateway.access.support.ts";
import { refused } from "./gateway.rpc.support.ts";
import { until } from "./pool.support.ts";

afterAll(endGateways);

for (const runtime of ["bun", "node", "deno"] as const) {
  describe(`on ${runtime}`, () => {
    let program: GatewayProgram;
    let client: Client<typeof GatewayService>;
    let admin: Client<typeof AdminService>;
    /** Lines that tools have said. */
    const lines: string[] = [];
    const said = (text: string): Promise<void> => until(() => lines.includes(text));
    const leave = new AbortController();

    beforeAll(async () => {
      program = await startGateway(runtime, { auth: "none" });
      const transport = createConnectTransport({ baseUrl: program.url, useBinaryFormat: true });
      client = createClient(GatewayService, transport);
      admin = createClient(AdminService, transport);
      const watch = admin.watchEvents({ types: ["log"] }, { signal: leave.signal })[Symbol.asyncIterator]();
      await watch.next();
      void (async () => {
        try {
          while (true) {
            const { value, done } = await watch.next();
            if (done) return;
            lines.push(String(value.event?.["text"]));
          }
        } catch {
          // Left at the end.
        }
      })();
    }, 60_000);
    afterAll(() => leave.abort());

    const post = (method: string, body: object): Promise<Response> =>
      fetch(`${program.url}/snakepit.v1.GatewayService/${method}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });

    test("a call in JSON reads as it should", async () => {
      const response = await post("ExecuteTool", { tool: "add", args: { a: 1, b: 2 } });
      expect([response.status, await response.text()]).toEqual([200, '{"result":3}']);
      const wrong = await post("ExecuteTool", { tool: "add", args: { a: "one" } });
      expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "invalid_argument" }]);
    });

    test("large data goes in the message, in both directions", async () => {
      const value = new Uint8Array(1_000_000).fill(7);
      const { msgpack: argsMsgpack, buffers } = packValue({ value });
      expect(buffers).toHaveLength(1);
      const answer = await client.executeTool({ tool: "echo", argsMsgpack, buffers: [...buffers] });
      expect(answer.buffers[0]?.location.value).toHaveLength(1_000_000);
    });

    test("a call fails at the deadline of its protocol, and its code is interrupted", async () => {
      const args = toJsonValue({ name: "late", seconds: 60 });
      const error = await refused(client.executeTool({ tool: "work", args }, { timeoutMs: 1_000 }));
      expect(error.code).toBe(Code.DeadlineExceeded);
      await said("late ended by CancelledError");
    });

    test("a call whose caller leaves is interrupted", async () => {
      const gone = new AbortController();
      const called = refused(
        client.executeTool({ tool: "work", args: toJsonValue({ name: "left", seconds: 60 }) }, { signal: gone.signal }),
      );
      await said("left began");
      gone.abort();
      expect((await called).code).toBe(Code.Canceled);
      await said("left ended by CancelledError");
    });

    test("items come in order, and leaving a stream closes its generator", async () => {
      const items: unknown[] = [];
      const argsMsgpack = packValue({ stop: 1_000_000 }).msgpack;
      const gone = new AbortController();
      const stream = client.executeToolStream({ tool: "count_said", argsMsgpack }, { signal: gone.signal });
      for await (const { itemMsgpack } of stream) {
        items.push(decode(itemMsgpack ?? new Uint8Array()));
        if (items.length === 100) break;
      }
      // Leaving the loop alone does not tell the transport of connect-web.
      gone.abort();
      expect(items).toEqual(Array.from({ length: 100 }, (_, n) => n));
      await said("generator closed");
    });

    test("a stream that fails says so after its items", async () => {
      const items: unknown[] = [];
      const stream = client.executeToolStream({ tool: "count_then_fail", args: toJsonValue({ stop: 2 }) });
      const error = await refused(
        (async () => {
          for await (const { item } of stream) items.push(item && fromJsonValue(item));
        })(),
      );
      expect(items).toEqual([0, 1]);
      expect(fromConnectError(error)).toMatchObject({ _tag: "ToolFailed", type: "ValueError" });
    });

    test("a client that does not read stops the tool", async () => {
      const megabyte = 1_000_000;
      const socket = await stream(program, "flood", { items: 100, size: megabyte });
      const taken = (): number => lines.filter((line) => line.startsWith("item ")).length;
      await until(() => taken() > 0);
      // Still when the gateway has answered many times meanwhile.
      let before = -1;
      while (before !== taken()) {
        before = taken();
        for (let n = 0; n < 40; n++) await admin.getStatus({});
      }
      expect(taken()).toBeLessThan(60);
      expect(lines).not.toContain("flood closed");
      socket.destroy();
      await said("flood closed");
    }, 60_000);

    test("a session keeps what it is given, and its watchers hear of it", async () => {
      const { session } = await client.openSession({});
      const sessionId = session?.id ?? "";
      await client.registerVariable({ sessionId, name: "t", type: "float", value: toJsonValue(0.5) });
      const watch = client.watchVariables({ sessionId })[Symbol.asyncIterator]();
      await watch.next();
      await watch.next();
      await client.setVariables({ sessionId, assignments: [{ name: "t", value: toJsonValue(0.75) }] });
      const { value: change } = await watch.next();
      expect(change?.variable?.value && fromJsonValue(change.variable.value)).toBe(0.75);
      expect(await client.executeTool({ tool: "add", args: toJsonValue({ a: 1 }), sessionId })).toMatchObject({});
      await client.endSession({ sessionId });
    });

    test("it ends by itself when it is asked to, also while somebody watches", async () => {
      expect(await program.stop()).toBe(0);
    }, 60_000);
  });
}

/** Asks for a stream on a socket of its own, of which nothing is read. */
async function stream({ port }: GatewayProgram, tool: string, args: object): Promise<Socket> {
  const message = create(GatewayServiceExecuteToolStreamRequestSchema, { tool, argsMsgpack: packValue(args).msgpack });
  const bytes = toBinary(GatewayServiceExecuteToolStreamRequestSchema, message);
  const envelope = Buffer.alloc(5);
  envelope.writeUInt32BE(bytes.length, 1);
  const socket = connectSocket({ port, host: "127.0.0.1" });
  socket.pause();
  const head = [
    "POST /snakepit.v1.GatewayService/ExecuteToolStream HTTP/1.1",
    `Host: 127.0.0.1:${port}`,
    "Content-Type: application/connect+proto",
    "Connect-Protocol-Version: 1",
    `Content-Length: ${envelope.length + bytes.length}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  socket.write(Buffer.concat([envelope, bytes]));
  return socket;
}
