import { expect, jest, test } from "bun:test";
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
  const pit = connect({
    url: "http://gateway.test",
    retries: 0,
    fetch: async () => {
      if (isGone) throw new TypeError("fetch failed");
      return opened();
    },
  });
  await pit.session();
  isGone = true;
  await pit.close();
  await expect(pit.execute("t")).rejects.toMatchObject({ _tag: "PoolClosed" });
});

test("a client closes although its gateway is silent, and cancels what runs at once", async () => {
  const asked: string[] = [];
  const pit = connect({
    url: "http://gateway.test",
    fetch: (url) => {
      asked.push(url.slice(url.lastIndexOf("/") + 1));
      return url.endsWith("/OpenSession") ? Promise.resolve(opened()) : new Promise(() => {});
    },
  });
  const session = await pit.session();
  const calling = session.execute("t");
  const settled: string[] = [];
  calling.catch(({ _tag }) => settled.push(_tag));
  await passing(3_000, () => void pit.close().then(() => settled.push("closed")));
  expect(settled).toEqual(["PoolClosed", "closed"]);
  expect(asked).toEqual(["OpenSession", "ExecuteTool", "EndSession"]);
});

test("a session that a silent gateway does not end says so when its handle closes", async () => {
  const fetch = (url: string) => (url.endsWith("/OpenSession") ? Promise.resolve(opened()) : new Promise<Response>(() => {}));
  const session = await connect({ url: "http://gateway.test", fetch }).session();
  const settled: string[] = [];
  await passing(3_000, () => void session.close().catch(({ _tag }) => settled.push(_tag)));
  expect(settled).toEqual(["ConnectionLost"]);
  await expect(session.execute("t")).rejects.toMatchObject({ _tag: "SessionClosed" });
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

/** Resolves when so much time has passed since something was begun, and what follows from that is done. */
async function passing(ms: number, begin: () => void): Promise<void> {
  jest.useFakeTimers();
  try {
    begin();
    jest.advanceTimersByTime(ms);
  } finally {
    jest.useRealTimers();
  }
  await new Promise(setImmediate);
}

function opened(): Response {
  const session = { id: "s", metadata: {}, ttlMs: 1, createdAt: undefined, usedAt: undefined, variables: 0, bytes: 0 };
  const message = methods.openSession.output.encode({ session, created: true });
  return new Response(message, { headers: { "content-type": "application/proto" } });
}
