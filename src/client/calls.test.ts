import { expect, test } from "bun:test";
import { connect } from "./client.ts";
import { envelope } from "./envelopes.ts";
import { methods } from "./schema.ts";

test("a stream whose item cannot be read is not read on", async () => {
  let isLeft = false;
  const item = envelope(methods.executeToolStream.output.encode({ itemMsgpack: new Uint8Array([0xc1]) }));
  const pit = connect({
    url: "http://gateway.test",
    fetch: async (_url, { signal }) => {
      signal?.addEventListener("abort", () => {
        isLeft = true;
      });
      const body = new ReadableStream({ start: (controller) => controller.enqueue(item) });
      return new Response(body, { headers: { "content-type": "application/connect+proto" } });
    },
  });
  await expect(pit.executeStream("t").next()).rejects.toMatchObject({ _tag: "ProtocolError" });
  expect(isLeft).toBe(true);
});

test("a client closes although its gateway is gone", async () => {
  let isGone = false;
  const opened = methods.openSession.output.encode({
    session: { id: "s", metadata: {}, ttlMs: 1, createdAt: undefined, usedAt: undefined, variables: 0, bytes: 0 },
    created: true,
  });
  const pit = connect({
    url: "http://gateway.test",
    retries: 0,
    fetch: async () => {
      if (isGone) throw new TypeError("fetch failed");
      return new Response(opened, { headers: { "content-type": "application/proto" } });
    },
  });
  await pit.session();
  isGone = true;
  await pit.close();
  await expect(pit.execute("t")).rejects.toMatchObject({ _tag: "PoolClosed" });
});

test("a gateway that hangs does not hold the caller, whatever its fetch makes of the signal", async () => {
  const pit = connect({ url: "http://gateway.test", fetch: () => new Promise(() => {}) });
  await expect(pit.execute("t", {}, { timeoutMs: 10 })).rejects.toMatchObject({ _tag: "CallTimeout", timeoutMs: 10, tool: "t" });
  const items = pit.executeStream("t");
  const next = items.next();
  await items.return?.();
  expect(await next).toEqual({ done: true, value: undefined });
  const controller = new AbortController();
  const calling = pit.execute("t", {}, { signal: controller.signal });
  controller.abort();
  await expect(calling).rejects.toMatchObject({ _tag: "Cancelled", tool: "t" });
});
