/** Many callers at the same time. `npm run chaos -- --only gateway-load` is the long form. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Client, Code, createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { fromJsonValue, toJsonValue } from "../src/gateway/rpc/values.ts";
import { GatewayService } from "../src/gen/snakepit/v1/gateway_pb.ts";
import { endGateways, type GatewayProgram, makeTokens, startGateway, type TokenKind, type Tokens } from "./gateway.access.support.ts";

afterAll(endGateways);

/** As many as one worker runs at a time. */
const CALLERS = 80;

describe.each(["node", "bun"] as const)("on %s", (runtime) => {
  let tokens: Tokens;
  let gateway: GatewayProgram;
  let client: Client<typeof GatewayService>;
  beforeAll(async () => {
    tokens = await makeTokens();
    gateway = await startGateway(runtime, { auth: { tokenFile: tokens.file }, limits: { concurrent: CALLERS } });
    client = createClient(GatewayService, createConnectTransport({ baseUrl: gateway.url }));
  }, 60_000);
  const bearer = (kind: TokenKind): HeadersInit => ({ authorization: `Bearer ${tokens.secrets[kind]}` });

  test(`${CALLERS} streams at a time each get their own items`, async () => {
    const read = async (stop: number): Promise<unknown[]> => {
      const items: unknown[] = [];
      const request = { tool: "count_async", args: toJsonValue({ stop }) };
      for await (const { item } of client.executeToolStream(request, { headers: bearer("admin") })) items.push(item && fromJsonValue(item));
      return items;
    };
    const lengths = Array.from({ length: CALLERS }, (_, n) => n + 1);
    expect(await Promise.all(lengths.map(read))).toEqual(lengths.map((length) => Array.from({ length }, (_, n) => n)));
  }, 60_000);

  test("a token that has as many streams as it may is told to come back, until one ends; others go on", async () => {
    const sessionId = "watched";
    await client.openSession({ sessionId }, { headers: bearer("admin") });
    const leave = Array.from({ length: CALLERS }, () => new AbortController());
    const watches = leave.map(({ signal }) =>
      client.watchVariables({ sessionId }, { headers: bearer("admin"), signal })[Symbol.asyncIterator](),
    );
    // Its first message says that a watch stands.
    await Promise.all(watches.map((watch) => watch.next()));
    const refused = client.listTools({}, { headers: bearer("admin") });
    await expect(refused).rejects.toMatchObject({ code: Code.ResourceExhausted, message: expect.stringContaining("Too many requests") });
    await client.listTools({}, { headers: bearer("other") });
    leave[0]?.abort();
    // The server hears of it a moment later.
    for (let tries = 0; ; tries++) {
      const answer = await client.listTools({}, { headers: bearer("admin") }).catch((error) => error.code);
      if (answer !== Code.ResourceExhausted) break;
      expect(tries).toBeLessThan(10_000);
    }
    for (const controller of leave) controller.abort();
    await Promise.allSettled(watches.map((watch) => watch.next()));
    expect(await gateway.stop()).toBe(0);
  }, 60_000);
});
