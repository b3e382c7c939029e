/** A gateway without authentication, over real sockets: who is let in all the same, and who is not. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { sendRaw } from "../chaos/gateway/raw.ts";
import { serve } from "../src/gateway.ts";
import { Snakepit } from "../src/index.ts";
import { endGateways, type GatewayProgram, startGateway } from "./gateway.access.support.ts";
import { failure, toolFile } from "./pool.support.ts";

afterAll(endGateways);

/** An address of this machine that others can reach; undefined where there is none. */
const outside = Object.values(networkInterfaces())
  .flatMap((addresses) => addresses ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

describe.each(["node", "bun", "deno"] as const)("on %s", (runtime) => {
  let gateway: GatewayProgram;
  beforeAll(async () => {
    gateway = await startGateway(runtime, { auth: "none", hosts: ["pit.test"] });
  }, 60_000);

  /** A call as bytes, with these headers, since `fetch` writes Host itself. */
  async function call(...headers: string[]): Promise<{ readonly status: number; readonly body: string }> {
    const body = JSON.stringify({ tool: "add", args: { a: 1, b: 2 } });
    const lines = [
      "POST /snakepit.v1.GatewayService/ExecuteTool HTTP/1.1",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
      "Connection: close",
      ...headers,
    ];
    return await sendRaw(gateway.port, Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`), false);
  }

  test("programs of this machine call without a token", async () => {
    for (const host of ["127.0.0.1", "localhost", `localhost:${gateway.port}`, "[::1]", "pit.test"]) {
      expect([host, await call(`Host: ${host}`)]).toMatchObject([host, { status: 200, body: expect.stringContaining('"result":3') }]);
    }
  });

  test("a name that somebody has made to point here is refused", async () => {
    for (const host of ["evil.example", `evil.example:${gateway.port}`, "127.0.0.1.evil.example", "0.0.0.0", "", "pit.test.evil.example"]) {
      expect([host, (await call(`Host: ${host}`)).status]).toEqual([host, host === "" ? expect.any(Number) : 403]);
      expect((await call(`Host: ${host}`)).body).not.toContain('"result"');
    }
  });

  test("a page of somebody else is refused, and may not read by CORS", async () => {
    const own = `127.0.0.1:${gateway.port}`;
    expect((await call(`Host: ${own}`, `Origin: http://${own}`)).status).toBe(200);
    for (const origin of ["http://evil.example", "null", `http://localhost:${gateway.port}`, "http://127.0.0.1:1", `https://${own}`]) {
      expect([origin, (await call(`Host: ${own}`, `Origin: ${origin}`)).status]).toEqual([origin, 403]);
    }
    const preflight = await fetch(`${gateway.url}/snakepit.v1.GatewayService/ExecuteTool`, {
      method: "OPTIONS",
      headers: { origin: "http://evil.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type" },
    });
    expect(preflight.status).toBe(405);
    expect([...preflight.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("where everybody could come in", () => {
  let pit: Snakepit;
  beforeAll(async () => {
    pit = await Snakepit.open({ tools: toolFile("api"), workers: 1 });
  });
  afterAll(() => pit.close());

  test("a server refuses to start", async () => {
    for (const host of ["0.0.0.0", "::", ...(outside === undefined ? [] : [outside])]) {
      expect(await failure(serve(pit, { port: 0, host, auth: "none" }))).toMatchObject({ _tag: "InvalidOptions", option: "auth" });
      expect(await failure(serve(pit, { port: 0, host }))).toMatchObject({ _tag: "InvalidOptions", option: "auth" });
    }
    expect(await failure(serve(pit, { port: 0 }))).toMatchObject({ _tag: "InvalidOptions", option: "auth" });
    expect(await failure(serve(pit, { port: 0, auth: "none", cors: ["http://app.test"] }))).toMatchObject({ option: "cors" });
  });
});
