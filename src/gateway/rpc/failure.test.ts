import { expect, test } from "bun:test";
import { Code, ConnectError, createClient, createRouterTransport } from "@connectrpc/connect";
import { StoreFailed } from "../../errors/index.ts";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";
import { forStrangers, tellFailures } from "./failure.ts";

test("a fault of this package is told to its operator, and to strangers only that there is one", async () => {
  const faults: string[] = [];
  const interceptors = [tellFailures((error, method) => faults.push(`${method}: ${String(error)}`))];
  const fault = (): never => {
    throw new TypeError("secret");
  };
  const handlers = {
    executeTool: fault,
    async *executeToolStream() {
      yield {};
      fault();
    },
    listTools() {
      throw new ConnectError("not this", Code.Unimplemented);
    },
  };
  const client = createClient(
    GatewayService,
    createRouterTransport((router) => router.service(GatewayService, handlers, { interceptors })),
  );
  const failureOf = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => undefined,
      (error: ConnectError) => [error.code, error.rawMessage],
    );
  const reading = async (): Promise<void> => {
    for await (const _ of client.executeToolStream({}));
  };
  expect(await failureOf(client.executeTool({}))).toEqual([Code.Internal, "internal error"]);
  expect(await failureOf(reading())).toEqual([Code.Internal, "internal error"]);
  expect(await failureOf(client.listTools({}))).toEqual([Code.Unimplemented, "not this"]);
  expect(faults).toEqual(["GatewayService/ExecuteTool: TypeError: secret", "GatewayService/ExecuteToolStream: TypeError: secret"]);
});

test("where sessions are kept is not told to strangers", () => {
  const told = forStrangers(new StoreFailed({ store: "/home/me/sessions.db", reason: "it is locked" }));
  expect(told).toMatchObject({ _tag: "StoreFailed", message: 'The session store "sessions" failed: it is locked' });
});
