/** What a gateway does with those who mean it ill, while somebody else goes on working. */
import { afterAll, describe, expect, test } from "bun:test";
import { attack } from "../chaos/gateway/attack.ts";
import { hostile } from "../chaos/gateway/http2.ts";
import { Loris } from "../chaos/gateway/loris.ts";
import { bombs } from "../chaos/gateway/malformed.ts";
import { sendHttp2 } from "../chaos/gateway/raw.ts";
import { Violations } from "../chaos/scenario.ts";
import type { ServeOptions } from "../src/gateway.ts";
import { Random } from "../src/testing/random.ts";
import { endGateways, type GatewayProgram, makeTokens, startGateway, type Tokens } from "./gateway.access.support.ts";
import { until } from "./pool.support.ts";

afterAll(endGateways);

/** Calls a tool again and again until it is stopped; resolves to how many calls were answered, and rejects with the first that was not answered right. */
function worker({ url }: GatewayProgram, token: string): () => Promise<number> {
  let isOver = false;
  let calls = 0;
  const working = (async () => {
    while (!isOver) {
      const response = await fetch(`${url}/snakepit.v1.GatewayService/ExecuteTool`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ tool: "add", args: { a: calls, b: 1 } }),
      });
      expect(await response.json()).toEqual({ result: ++calls });
    }
    return calls;
  })();
  // Heard when it is stopped.
  working.catch(() => {});
  return () => {
    isOver = true;
    return working;
  };
}

/** Posts a body to ExecuteTool. */
const post = (
  { url }: GatewayProgram,
  token: string | undefined,
  body: BodyInit,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${url}/snakepit.v1.GatewayService/ExecuteTool`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
    body,
  });

/** Entries of the audit log of somebody that ended well. */
const successes = (gateway: GatewayProgram, principal: string): unknown[] =>
  gateway
    .logged()
    .split("\n")
    .filter((line) => line.startsWith('{"time"'))
    .map((line) => JSON.parse(line))
    .filter((entry) => entry.principal === principal && entry.outcome === "ok");

const seed = Number(process.env["SNAKEPIT_SEED"] ?? 20_260_101);

describe.each([
  ["node", 4_000, 1_000],
  ["bun", 5_000, 0],
] as const)("on %s", (runtime, http1, http2) => {
  const start = async ({ limits, ...options }: ServeOptions): Promise<[GatewayProgram, Tokens]> => {
    const tokens = await makeTokens();
    const all = { failuresPerMinute: 1_000_000, ...limits };
    return [await startGateway(runtime, { auth: { tokenFile: tokens.file }, ...options, limits: all }), tokens];
  };

  test(`${http1 + http2} malformed requests are refused, and nothing of them stays`, async () => {
    const [gateway, { secrets }] = await start({});
    const stop = worker(gateway, secrets.admin);
    const violations = new Violations();
    const order = { port: gateway.port, token: secrets.other, http1, http2, atOnce: 32, until: Number.POSITIVE_INFINITY };
    const sent = await attack({ ...order, random: new Random(seed) }, violations);
    expect({ seed, sent, violations: violations.list }).toEqual({ seed, sent: http1 + http2, violations: [] });
    expect(await stop()).toBeGreaterThan(0);
    expect(await gateway.stop()).toBe(0);
    expect(successes(gateway, "token:other")).toEqual([]);
    // It says nothing but where it listens, and the audit log.
    expect(
      gateway
        .logged()
        .split("\n")
        .filter((line) => line !== "" && !line.startsWith('{"')),
    ).toEqual([]);
    for (const secret of Object.values(secrets)) expect(gateway.logged()).not.toContain(secret);
  }, 180_000);

  test("bodies that are too large are refused, packed ones too, whoever sends them", async () => {
    const [gateway, { secrets }] = await start({ limits: { maxBodyBytes: 100_000 } });
    const stop = worker(gateway, secrets.admin);
    const packed = bombs(50_000_000);
    const large = `{"tool":"add","args":{"a":"${"x".repeat(200_000)}"}}`;
    for (const [token, status] of [
      [secrets.admin, 429],
      [undefined, 401],
    ] as const) {
      const plain = await post(gateway, token, large);
      expect(plain.status).toBe(status);
      const streamed = await post(gateway, token, new Blob([large]).stream());
      expect(streamed.status).toBe(status);
      for (const { encoding, body } of packed) {
        expect(body.length).toBeLessThan(100_000);
        expect((await post(gateway, token, body, { "content-encoding": encoding })).status).toBe(status);
      }
    }
    expect(await stop()).toBeGreaterThan(0);
    expect(await gateway.stop()).toBe(0);
  }, 60_000);

  test("those who send next to nothing lose their connections, and nobody waits for them", async () => {
    // Bun keeps time in steps of four seconds.
    const headersTimeoutMs = runtime === "bun" ? 5_000 : 1_000;
    const [gateway, { secrets }] = await start({ headersTimeoutMs, idleTimeoutMs: 1_000, limits: { bodyTimeoutMs: 1_000 } });
    const stop = worker(gateway, secrets.admin);
    const loris = new Loris(gateway.port, 300, secrets.other);
    try {
      await until(() => loris.opened === 300);
      const before = performance.now();
      await until(() => loris.held === 0);
      expect(performance.now() - before).toBeLessThan(20_000);
    } finally {
      loris.end();
    }
    expect(await stop()).toBeGreaterThan(0);
    expect(await gateway.stop()).toBe(0);
    expect(successes(gateway, "token:other")).toEqual([]);
  }, 60_000);
});

test("streams of HTTP/2 that are taken back at once hold no place", async () => {
  const { file, secrets } = await makeTokens();
  const limits = { concurrent: 100, failuresPerMinute: 1_000_000, bodyTimeoutMs: 600_000 };
  const gateway = await startGateway("node", { auth: { tokenFile: file }, limits });
  const random = new Random(seed);
  const wanted = ["streams that are taken back at once", "more streams than are allowed", "empty data without end"];
  for (let sent = 0; sent < 12; ) {
    const { kind, bytes } = hostile(random, secrets.other);
    if (!wanted.includes(kind)) continue;
    expect(await sendHttp2(gateway.port, bytes)).toBeTrue();
    sent++;
  }
  const body = JSON.stringify({ tool: "add", args: { a: 1, b: 2 } });
  await until(async () => (await post(gateway, secrets.other, body)).status === 200);
  // It would wait for what runs.
  expect(await gateway.stop()).toBe(0);
}, 60_000);
