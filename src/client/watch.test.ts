import { expect, test } from "bun:test";
import { VariableChange_Kind } from "../gen/snakepit/v1/session_pb.ts";
import { connect } from "./client.ts";
import { envelope } from "./envelopes.ts";
import { methods } from "./schema.ts";

test("a watch that is told to come back after more than a minute fails", async () => {
  let watches = 0;
  const pit = connect({
    url: "http://gateway.test",
    fetch: async (url) => {
      if (!url.endsWith("/WatchVariables")) return new Response(opened(), { headers: { "content-type": "application/proto" } });
      watches++;
      return new Response("", { status: 429, headers: { "retry-after": String(2 ** 22) } });
    },
  });
  const session = await pit.session("s");
  await expect(session.variables.watch().next()).rejects.toMatchObject({ _tag: "RateLimited", retryAfterMs: 2 ** 22 * 1000 });
  expect(watches).toBe(1);
});

test("a connection on which a watch does not go on is left before the next is made", async () => {
  const variable = {
    id: "var_x_1",
    name: "x",
    type: "integer",
    version: 1,
    constraints: undefined,
    metadata: {},
    source: undefined,
    at: undefined,
    valueMsgpack: Uint8Array.of(7),
  };
  const change = envelope(methods.watchVariables.output.encode({ kind: VariableChange_Kind.SET, variable, coalesced: 0 }));
  const stands = envelope(methods.watchVariables.output.encode({ kind: VariableChange_Kind.UNSPECIFIED }));
  const left: number[] = [];
  let watches = 0;
  let reads = 0;
  const pit = connect({
    url: "http://gateway.test",
    retries: 0,
    retryBackoffMs: 1,
    fetch: async (url) => {
      if (url.endsWith("/WatchVariables")) {
        const number = ++watches;
        const body = new ReadableStream({
          start(controller) {
            controller.enqueue(number === 1 ? change : stands);
            // The first is lost when its change has been read.
            if (number === 1) setTimeout(() => controller.error(new TypeError("lost")));
          },
          cancel: () => void left.push(number),
        });
        return new Response(body, { headers: { "content-type": "application/connect+proto" } });
      }
      if (url.endsWith("/GetVariables") && ++reads === 1) throw new TypeError("lost");
      const answer = url.endsWith("/OpenSession") ? opened() : methods.getVariables.output.encode({ variables: [], missing: ["var_x_1"] });
      return new Response(new Uint8Array(answer), { headers: { "content-type": "application/proto" } });
    },
  });
  const session = await pit.session("s");
  const changes = session.variables.watch();
  expect((await changes.next()).value).toMatchObject({ kind: "set", value: 7 });
  expect((await changes.next()).value).toMatchObject({ kind: "deleted", value: 7 });
  expect([watches, left]).toEqual([3, [2]]);
  await changes.return?.();
});

function opened(): Uint8Array<ArrayBuffer> {
  return methods.openSession.output.encode({
    session: { id: "s", metadata: {}, ttlMs: 1, createdAt: undefined, usedAt: undefined, variables: 1, bytes: 1 },
    created: true,
  });
}
