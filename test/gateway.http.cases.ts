/** What the gateway's server does with callers that are slow, large, malformed or late. Each case runs on every runtime, with a server of its own. */
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request as secureRequest } from "node:https";
import { connect } from "node:net";
import { create, fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ValueSchema } from "@bufbuild/protobuf/wkt";
import { type ConnectRouter, createContextValues } from "@connectrpc/connect";
import { closingError, closingKey } from "../src/gateway/http/drain.ts";
import { type ServerOptions, type SiteServer, serveSite } from "../src/gateway/http/serve.ts";
import type { Peer, Site } from "../src/gateway/http/site.ts";
import {
  GatewayService,
  GatewayServiceExecuteToolRequestSchema,
  GatewayServiceExecuteToolResponseSchema,
} from "../src/gen/snakepit/v1/gateway_pb.ts";

const file = (name: string): string => new URL(`certificates/${name}`, import.meta.url).pathname;
const path = (method: string): string => `/${GatewayService.typeName}/${method}`;
const textValue = (text: string) => create(ValueSchema, { kind: { case: "stringValue", value: text } });

/** A site whose calls the cases hold in their hands. */
class TestSite implements Site, AsyncDisposable {
  /** Calls that wait until they are let go. */
  readonly held: (() => void)[] = [];
  readonly peers: Peer[] = [];
  running = 0;
  server!: SiteServer;

  static async open(options: Partial<ServerOptions> = {}): Promise<TestSite> {
    const site = new TestSite();
    site.server = await serveSite(site, { port: 0, host: "127.0.0.1", ...options });
    return site;
  }

  get url(): string {
    return `http://127.0.0.1:${this.server.port}`;
  }

  routes(router: ConnectRouter): void {
    router.service(GatewayService, {
      executeTool: async ({ tool, args }) => {
        if (tool === "hold") await new Promise<void>((resolve) => this.held.push(resolve));
        return args === undefined ? {} : { result: args };
      },
      async *executeToolStream(_, { signal, values }) {
        yield { item: textValue("first") };
        const over = AbortSignal.any([signal, values.get(closingKey)]);
        await new Promise<void>((resolve) => over.addEventListener("abort", () => resolve()));
        throw closingError();
      },
    });
  }

  async admit({ peer }: { peer: Peer }) {
    this.peers.push(peer);
    this.running++;
    return { values: createContextValues(), release: () => void this.running-- };
  }

  async page(): Promise<undefined> {}

  call(tool: string, args: unknown = 1): Promise<Response> {
    return fetch(this.url + path("ExecuteTool"), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ tool, args }),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const release of this.held) release();
    await this.server.close();
  }
}

/** Sends one piece after another on a connection until the server has closed it, and gives what the server said. */
function drip(port: number, head: string, piece: string, everyMs: number): Promise<string> {
  return new Promise((resolve) => {
    let said = "";
    let timer: ReturnType<typeof setInterval> | undefined;
    const socket = connect(port, "127.0.0.1", () => {
      if (head !== "") socket.write(head);
      if (piece !== "") timer = setInterval(() => socket.write(piece), everyMs);
    });
    socket.on("data", (data) => {
      said += data;
    });
    // Whoever goes on sending may hear of the end as a reset.
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(timer);
      resolve(said);
    });
  });
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

const nested = (open: string, close: string, levels: number, core = ""): string => open.repeat(levels) + core + close.repeat(levels);

/** A request of ExecuteTool in Protobuf whose arguments are that many lists inside one another. Written by hand, since what writes them gives up before. */
function nestedLists(levels: number): Uint8Array<ArrayBuffer> {
  const heads: Uint8Array[] = [];
  let length = 0;
  // From the inside: ListValue.values, Value.list_value, and at last the field of the request.
  for (const field of [...Array.from({ length: levels }, () => [1, 6]).flat(), 2]) {
    const head = new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
    length += head.length;
    heads.push(head);
  }
  return new Uint8Array(Buffer.concat(heads.reverse()));
}

/** One message of a stream. */
function enveloped(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return new Uint8Array(Buffer.concat([head, message]));
}

async function echoed(site: TestSite, value: JsonValue): Promise<Uint8Array> {
  const request = create(GatewayServiceExecuteToolRequestSchema, {
    tool: "echo",
    args: fromJson(ValueSchema, value, { recursionLimit: 2_000 }),
  });
  const body = new Uint8Array(toBinary(GatewayServiceExecuteToolRequestSchema, request));
  const headers = { "content-type": "application/proto" };
  const response = await fetch(site.url + path("ExecuteTool"), { method: "POST", headers, body });
  equal(response.status, 200);
  return new Uint8Array(await response.arrayBuffer());
}

const post = (more: string): string =>
  `POST ${path("ExecuteTool")} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${more}\r\n`;

/** The cases, by what they show. */
export const cases: Readonly<Record<string, () => Promise<void>>> = {
  async "a connection on which nothing comes is closed"() {
    await using site = await TestSite.open({ headersTimeoutMs: 500 });
    equal(await drip(site.server.port, "", "", 100), "");
  },
  async "a head that comes bit by bit is cut off, and others are answered meanwhile"() {
    await using site = await TestSite.open({ headersTimeoutMs: 500 });
    const slow = drip(site.server.port, "POST / HTTP/1.1\r\nHost: localhost\r\n", "X-Slow: 1\r\n", 100);
    deepEqual(await (await site.call("echo")).json(), { result: 1 });
    await slow;
    equal(site.running, 0);
  },
  async "a body that comes bit by bit is refused, and its connection closed"() {
    await using site = await TestSite.open({ limits: { bodyTimeoutMs: 300 }, headersTimeoutMs: 1_000, idleTimeoutMs: 1_000 });
    const said = await drip(site.server.port, post("Content-Length: 100000\r\n"), " ", 50);
    match(said, /^HTTP\/1\.1 504 .*deadline_exceeded/s);
    equal(site.running, 0);
  },
  async "a body over the limit is refused, whether it says its length or not"() {
    await using site = await TestSite.open({ limits: { maxBodyBytes: 1_000 } });
    const response = await site.call("echo", "x".repeat(2_000));
    equal(response.status, 429);
    match(await response.text(), /resource_exhausted.*maxBodyBytes/);
    const chunk = `3e8\r\n${" ".repeat(1_000)}\r\n`;
    match(
      await drip(site.server.port, post("Transfer-Encoding: chunked\r\nConnection: close\r\n") + chunk + chunk, "", 50),
      /resource_exhausted/,
    );
    deepEqual(await (await site.call("echo")).json(), { result: 1 });
  },
  async "a value may be as deep as anywhere else, and what is deeper is refused before anything is made of it"() {
    await using site = await TestSite.open();
    const send = async (method: string, type: string, body: string | Uint8Array<ArrayBuffer>): Promise<string> => {
      const response = await fetch(site.url + path(method), { method: "POST", headers: { "content-type": `application/${type}` }, body });
      return response.text();
    };
    const request = (value: string): string => `{"tool":"echo","args":${value}}`;
    for (const value of [nested("[", "]", 500), nested('{"a":', "}", 250, "1")]) {
      deepEqual(JSON.parse(await send("ExecuteTool", "json", request(value))), { result: JSON.parse(value) });
      const answer = fromBinary(GatewayServiceExecuteToolResponseSchema, await echoed(site, JSON.parse(value)), { recursionLimit: 2_000 });
      deepEqual(answer.result && toJson(ValueSchema, answer.result), JSON.parse(value));
    }
    const levels = 20_000;
    for (const value of [nested("[", "]", levels), nested('{"a":', "}", levels, "1"), nested('["]\\"",', "]", levels, "1")]) {
      match(await send("ExecuteTool", "json", request(value)), /invalid_argument/);
      match(await send("ExecuteTool", "json", value), /invalid_argument/);
      match(await send("ExecuteToolStream", "connect+json", enveloped(Buffer.from(request(value)))), /invalid_argument/);
    }
    match(await send("ExecuteTool", "proto", nestedLists(levels)), /invalid_argument/);
    match(await send("ExecuteToolStream", "connect+proto", enveloped(nestedLists(levels))), /invalid_argument/);
    match(await send("ExecuteTool", "grpc-web+proto", enveloped(nestedLists(levels))), /grpc-status: 3/);
  },
  async "small answers go as they are, and large ones packed quickly"() {
    await using site = await TestSite.open();
    const ask = async (bytes: number, accepted: string) => {
      const response = await fetch(site.url + path("ExecuteTool"), {
        method: "POST",
        headers: { "content-type": "application/json", "accept-encoding": accepted },
        body: JSON.stringify({ tool: "echo", args: "x".repeat(bytes) }),
      });
      const encoding = response.headers.get("content-encoding");
      equal(JSON.parse(await response.text()).result.length, bytes);
      return encoding;
    };
    for (const accepted of ["gzip", "br"]) {
      equal(await ask(14_000, accepted), null);
      equal(await ask(17_000, accepted), accepted);
    }
  },
  async "a reader that takes nothing of its answer loses its connection"() {
    await using site = await TestSite.open({ limits: { readerTimeoutMs: 1_000 }, headersTimeoutMs: 1_000, idleTimeoutMs: 1_000 });
    // More than the system keeps for a reader.
    const body = JSON.stringify({ tool: "echo", args: "x".repeat(24_000_000) });
    let received = 0;
    const socket = connect(site.server.port, "127.0.0.1");
    socket
      .on("error", () => {})
      .on("data", (data) => {
        received += data.length;
      });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.pause().write(`${post(`Content-Length: ${body.length}\r\n`)}${body}`);
    await until(() => site.running === 1);
    await until(() => site.running === 0);
    // Whoever does not read does not hear of the end either. On Bun the answer is its server's from here on, which ends connections that are idle.
    socket.resume();
    await closed;
    ok("Bun" in globalThis || received < body.length);
  },
  async "what is no HTTP, or not what a method takes, is refused and disturbs nobody"() {
    await using site = await TestSite.open({ headersTimeoutMs: 500 });
    for (const garbage of ["\u0016\u0003\u0001\0\0", "GET\r\n\r\n", "PRI * HTTP/1.0\r\n\r\n", "\0\0\0\0\0\0\0\0"])
      await drip(site.server.port, garbage, "", 100);
    const wrong = (body: string, type: string) =>
      fetch(site.url + path("ExecuteTool"), { method: "POST", headers: { "content-type": type }, body });
    equal((await wrong("{", "application/json")).status, 400);
    equal((await wrong("{}", "text/plain")).status, 415);
    equal((await fetch(site.url + path("ExecuteTool"))).status, 405);
    equal((await wrong("{}", "application/json")).status, 200);
    equal((await fetch(`${site.url}/nothing`)).status, 404);
    await until(() => site.running === 0);
  },
  async "what runs may end while the server closes, and nothing new begins"() {
    const site = await TestSite.open();
    const running = site.call("hold");
    await until(() => site.held.length === 1);
    const closing = site.server.close();
    await rejects(site.call("echo"));
    site.held[0]?.();
    deepEqual(await (await running).json(), { result: 1 });
    await closing;
    equal(site.running, 0);
  },
  async "a stream that would go on is told that the server closes"() {
    const site = await TestSite.open();
    const response = await fetch(site.url + path("ExecuteToolStream"), {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body: "\0\0\0\0\u0002{}",
    });
    const closing = site.server.close();
    match(await response.text(), /first.*unavailable/s);
    await closing;
    equal(site.running, 0);
  },
  async "what lasts longer than it may is ended with the server"() {
    const site = await TestSite.open({ drainTimeoutMs: 100 });
    const running = site.call("hold").then(
      () => "answered",
      () => "ended",
    );
    await until(() => site.held.length === 1);
    await site.server.close();
    equal(await running, "ended");
    site.held[0]?.();
  },
  async "a caller that leaves a stream ends it"() {
    await using site = await TestSite.open();
    const leave = new AbortController();
    const response = await fetch(site.url + path("ExecuteToolStream"), {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body: "\0\0\0\0\u0002{}",
      signal: leave.signal,
    });
    await response.body?.getReader().read();
    equal(site.running, 1);
    leave.abort();
    await until(() => site.running === 0);
  },
  async "pages of the origins that are named may ask, and of no others"() {
    await using site = await TestSite.open({ cors: ["https://app.example"] });
    const ask = (origin: string) =>
      fetch(site.url + path("ExecuteTool"), { method: "OPTIONS", headers: { origin, "access-control-request-method": "POST" } });
    const allowed = (await ask("https://app.example")).headers;
    equal(allowed.get("access-control-allow-origin"), "https://app.example");
    match(allowed.get("access-control-allow-headers") ?? "", /authorization/i);
    equal((await ask("https://other.example")).headers.get("access-control-allow-origin"), null);
    const read = await fetch(`${site.url}/healthz`, { headers: { origin: "https://app.example" } });
    equal(read.headers.get("access-control-allow-origin"), "https://app.example");
  },
  async "its health is told as a page and by gRPC's own service"() {
    let reason: string | undefined = "no worker lives";
    await using site = await TestSite.open({ status: { unready: async () => reason } });
    const check = (service: string) =>
      fetch(`${site.url}/grpc.health.v1.Health/Check`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ service }),
      });
    equal((await fetch(`${site.url}/healthz`)).status, 200);
    const unready = await fetch(`${site.url}/readyz`);
    deepEqual([unready.status, await unready.json()], [503, { status: "unready", reason }]);
    deepEqual(await (await check("")).json(), { status: "NOT_SERVING" });
    reason = undefined;
    equal((await fetch(`${site.url}/readyz`)).status, 200);
    deepEqual(await (await check(GatewayService.typeName)).json(), { status: "SERVING" });
    equal((await check("nobody.Knows")).status, 404);
  },
  async "who has no certificate gets no connection, and who has one is known by it"() {
    await using site = await TestSite.open({
      tls: { certFile: file("server.pem"), keyFile: file("server.key"), clientCaFile: file("authority.pem") },
    });
    const ask = (certificate: object, more: object = {}, body = "") =>
      new Promise<number>((resolve, reject) => {
        const ca = readFileSync(file("authority.pem"));
        const options = { host: "localhost", port: site.server.port, path: "/nothing", ca, agent: false as const, ...certificate, ...more };
        secureRequest(options, (response) => resolve(response.resume().statusCode ?? 0))
          .on("error", reject)
          .end(body);
      });
    await rejects(ask({}));
    const own = { cert: readFileSync(file("client.pem")), key: readFileSync(file("client.key")) };
    equal(await ask(own), 404);
    const call = { path: path("ExecuteTool"), method: "POST", headers: { "content-type": "application/json" } };
    equal(await ask(own, call, '{"tool":"echo"}'), 200);
    await until(() => site.running === 0);
    const certificate = site.peers.at(-1)?.certificate;
    equal(certificate?.subject, "CN=client,O=Example");
    deepEqual(certificate?.subjectAltNames, ["DNS:client.example", "URI:spiffe://example/batch"]);
    ok(site.peers.at(-1)?.loopback);
  },
};
