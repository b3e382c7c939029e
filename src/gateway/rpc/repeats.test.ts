import { expect, test } from "bun:test";
import { createClient, createRouterTransport } from "@connectrpc/connect";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";
import { nobody, principalKey } from "../access/principal.ts";
import { refuseRepeats } from "./repeats.ts";

test("a request whose key was seen is refused, and others are not", async () => {
  let ended = 0;
  const transport = createRouterTransport(
    (router) => router.service(GatewayService, { endSession: () => ({ ended: ++ended > 0 }) }, { interceptors: [refuseRepeats()] }),
    {
      router: {
        requestGate: ({ values, requestHeader }) =>
          void values.set(principalKey, { ...nobody, id: requestHeader.get("x-principal") ?? "" }),
      },
    },
  );
  const client = createClient(GatewayService, transport);
  const end = (key?: string, id = "one") =>
    client.endSession({}, { headers: { "x-principal": id, ...(key !== undefined && { "idempotency-key": key }) } });
  await Promise.all([end("a"), end("b"), end(), end()]);
  expect(ended).toBe(4);
  expect(await end("a").catch(() => "refused")).toBe("refused");
  expect(ended).toBe(4);
  // Keys are each principal's own.
  await end("a", "another");
  expect(ended).toBe(5);
  // A key is kept, so none may be long.
  expect(await end("x".repeat(201)).catch(() => "refused")).toBe("refused");
});
