/**
 * Two servers of the same Connect method in one process, on the runtime that runs this file: `gateway_server.ts PYTHON`. A gateway, and a bare server as Connect
 * makes it, that calls the same pit, or answers by itself when no tool is named. Prints both addresses as one line of JSON.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type ConnectRouter, createConnectRouter } from "@connectrpc/connect";
import { createFetchHandler } from "@connectrpc/connect/protocol";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { serve } from "../../src/gateway.ts";
import { GatewayService } from "../../src/gen/snakepit/v1/gateway_pb.ts";
import { Snakepit } from "../../src/index.ts";
import { decode, Encoder } from "../../src/value/index.ts";

const [python = ""] = process.argv.slice(2);
const pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 1, python });
const gateway = await serve(pit, { auth: "none", port: 0, dashboard: false });

/** What the gateway leaves unpacked, so does the bare server: packing would cost it more than all else. */
const COMPRESS_FROM_BYTES = 16 * 1024;
const encoder = new Encoder();
const routes = (router: ConnectRouter): ConnectRouter =>
  router.service(GatewayService, {
    async executeTool({ tool, argsMsgpack = new Uint8Array() }) {
      if (tool === "") return { resultMsgpack: argsMsgpack };
      // Whoever calls sends a map.
      const args = decode(argsMsgpack) as Record<string, unknown>;
      return { resultMsgpack: encoder.encode(await pit.execute(tool, args)).slice() };
    },
  });

function onBun(): number | undefined {
  const handlers = new Map(
    routes(createConnectRouter({ compressMinBytes: COMPRESS_FROM_BYTES })).handlers.map((one) => [
      one.requestPath,
      createFetchHandler(one),
    ]),
  );
  const missing = async (): Promise<Response> => new Response(null, { status: 404 });
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => (handlers.get(new URL(request.url).pathname) ?? missing)(request),
  }).port;
}

async function onNode(): Promise<number> {
  const server = createServer(connectNodeAdapter({ routes: (router) => void routes(router), compressMinBytes: COMPRESS_FROM_BYTES }));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  // Of a server that listens to a port, it is one.
  return (server.address() as AddressInfo).port;
}

const port = "Bun" in globalThis ? onBun() : await onNode();
console.log(JSON.stringify({ gateway: gateway.url, bare: `http://127.0.0.1:${port}` }));
