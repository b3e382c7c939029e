import { expect, test } from "bun:test";
import { createContextValues } from "@connectrpc/connect";
import { GatewayService } from "../../gen/snakepit/v1/gateway_pb.ts";
import { createFetchHandler } from "./fetch.ts";
import { createHandler } from "./handler.ts";
import type { Site } from "./site.ts";

const url = `http://127.0.0.1/${GatewayService.typeName}/ExecuteToolStream`;
const headers = { "content-type": "application/connect+json" };
const MAX_BODY_BYTES = 65_536;
/** One message of a stream, with nothing in it. */
const enveloped = Uint8Array.of(0, 0, 0, 0, 2, 0x7b, 0x7d);

/** A gateway with one streaming tool, which never ends by itself. `admitted` holds up who asks. */
function openGateway(admitted: Promise<void> = Promise.resolve()) {
  const released: string[] = [];
  const site: Site = {
    routes: (router) =>
      router.service(GatewayService, {
        executeTool: () => ({}),
        async *executeToolStream() {
          yield {};
          await new Promise(() => {});
        },
      }),
    admit: async () => {
      await admitted;
      return { values: createContextValues(), release: () => released.push("released") };
    },
    page: async () => undefined,
  };
  const handler = createHandler(site, { limits: { maxBodyBytes: MAX_BODY_BYTES } });
  return { fetch: createFetchHandler(handler), drain: handler.drain, released };
}

test("of a body that says how long it is no more is read than a message may have", async () => {
  let read = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      read += MAX_BODY_BYTES;
      // A message of 1 GB, by what its envelope says.
      controller.enqueue(
        read === MAX_BODY_BYTES ? Uint8Array.of(0, 0x40, 0, 0, 0, ...new Uint8Array(MAX_BODY_BYTES - 5)) : new Uint8Array(MAX_BODY_BYTES),
      );
      if (read > 100 * MAX_BODY_BYTES) controller.close();
    },
  });
  const { fetch } = openGateway();
  const response = await fetch(new Request(url, { method: "POST", headers: { ...headers, "content-length": "1073741829" }, body }));
  expect(await response.text()).toContain("resource_exhausted");
  expect(read).toBeLessThan(10 * MAX_BODY_BYTES);
});

test("a request whose caller left before its answer began is over", async () => {
  const { fetch, released } = openGateway();
  const caller = new AbortController();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(enveloped);
      controller.close();
    },
  });
  caller.abort();
  await fetch(new Request(url, { method: "POST", headers, body, signal: caller.signal }));
  expect(released).toEqual(["released"]);
});

test("a request that was let in when the gateway had closed is refused", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { fetch, drain, released } = openGateway(promise);
  const asked = fetch(new Request(url, { method: "POST", headers, body: enveloped }));
  await drain(1_000);
  resolve();
  expect(await (await asked).text()).toContain("unavailable");
  expect(released).toEqual(["released"]);
});
