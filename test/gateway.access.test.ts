/** Who may ask a gateway what, over real sockets: every RPC, every kind of token, every protocol. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import {
  ask,
  endGateways,
  everyRpc,
  type GatewayProgram,
  makeTokens,
  pathOf,
  startGateway,
  type TokenKind,
  type Tokens,
} from "./gateway.access.support.ts";
import { until } from "./pool.support.ts";

afterAll(endGateways);

/** What may be asked without any scope: lists of what one may, which are empty then. */
const emptyLists = ["ListTools"];

describe.each(["node", "bun", "deno"] as const)("on %s", (runtime) => {
  let tokens: Tokens;
  let gateway: GatewayProgram;
  let transports: Record<string, Transport>;
  beforeAll(async () => {
    tokens = await makeTokens();
    gateway = await startGateway(runtime, { auth: { tokenFile: tokens.file }, limits: { failuresPerMinute: 1_000_000 } });
    const baseUrl = gateway.url;
    transports = {
      connect: createConnectTransport({ baseUrl, httpVersion: "1.1" }),
      "connect, JSON": createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
      "gRPC-Web": createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
      // Bun and Deno have no server of HTTP/2 that gRPC could use.
      ...(runtime === "node" && { gRPC: createGrpcTransport({ baseUrl }) }),
    };
  }, 60_000);

  const bearer = (kind: TokenKind): HeadersInit => ({ authorization: `Bearer ${tokens.secrets[kind]}` });

  test("every RPC refuses whoever has no token that counts", async () => {
    const strangers: readonly (readonly [string, HeadersInit])[] = [
      ["none", {}],
      ["unknown", bearer("unknown")],
      ["expired", bearer("expired")],
      ["revoked", bearer("revoked")],
      ["basic", { authorization: `Basic ${btoa(`admin:${tokens.secrets.admin}`)}` }],
      ["elsewhere", { "x-api-key": tokens.secrets.admin, cookie: `token=${tokens.secrets.admin}` }],
    ];
    for (const [protocol, transport] of Object.entries(transports)) {
      for (const method of everyRpc) {
        for (const [who, headers] of strangers) {
          expect([protocol, method.name, who, await ask(transport, method, headers)]).toEqual([
            protocol,
            method.name,
            who,
            "Unauthenticated",
          ]);
        }
      }
    }
  }, 60_000);

  test("every RPC refuses whoever has a token without scopes, or with others", async () => {
    for (const [protocol, transport] of Object.entries(transports)) {
      for (const method of everyRpc) {
        const answer = await ask(transport, method, bearer("nothing"));
        if (emptyLists.includes(method.name)) expect(answer).toMatchObject([{ tools: [] }]);
        else expect([protocol, method.name, answer]).toEqual([protocol, method.name, "PermissionDenied"]);
      }
    }
    const [transport] = Object.values(transports);
    if (transport === undefined) throw new Error("there is no transport");
    const changes = ["CancelCall", "KillWorker", "ReloadTools"];
    for (const method of everyRpc.filter(({ parent }) => parent.name === "AdminService")) {
      const answer = await ask(transport, method, bearer("looker"));
      if (changes.includes(method.name)) expect([method.name, answer]).toEqual([method.name, "PermissionDenied"]);
      else expect([method.name, answer]).toEqual([method.name, [expect.anything()]]);
      expect([method.name, await ask(transport, method, bearer("adder"))]).toEqual([method.name, "PermissionDenied"]);
    }
  }, 60_000);

  /** One RPC by its path, as any program sends it. */
  async function post(
    rpc: string,
    body: object,
    kind: TokenKind,
  ): Promise<{ status: number; json: Record<string, unknown>; headers: Headers }> {
    const response = await fetch(`${gateway.url}/snakepit.v1.GatewayService/${rpc}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...bearer(kind) },
      body: JSON.stringify(body),
    });
    // Whatever it is, it is an object.
    return { status: response.status, json: (await response.json()) as Record<string, unknown>, headers: response.headers };
  }

  test("a token calls the tools of its scopes, sees those only, and does not learn of others", async () => {
    expect(await post("ExecuteTool", { tool: "add", args: { a: 1, b: 2 } }, "adder")).toMatchObject({ status: 200, json: { result: 3 } });
    const { json } = await post("ListTools", {}, "adder");
    expect((json["tools"] as { name: string }[]).map(({ name }) => name).toSorted()).toEqual(["add", "countdown"]);
    const existing = await post("ExecuteTool", { tool: "fail", args: {} }, "adder");
    const missing = await post("ExecuteTool", { tool: "no_such_tool", args: {} }, "adder");
    expect([existing.status, missing.status]).toEqual([403, 403]);
    const without = (text: unknown, tool: string): string => String(text).replace(tool, "TOOL");
    expect(without(existing.json["message"], "fail")).toBe(without(missing.json["message"], "no_such_tool"));
    expect((await post("ExecuteTool", { tool: "fail", pool: "no_such_pool" }, "adder")).status).toBe(403);
  });

  test("a session belongs to the token's name; for others there is none", async () => {
    const sessionId = `of-adder-${runtime}`;
    expect(await post("OpenSession", { sessionId }, "adder")).toMatchObject({ status: 200, json: { created: true } });
    expect((await post("RegisterVariable", { sessionId, name: "t", type: "float", value: 0.7 }, "adder")).status).toBe(200);
    const uses: readonly (readonly [string, object])[] = [
      ["GetSession", { sessionId }],
      ["OpenSession", { sessionId }],
      ["GetVariables", { sessionId, names: ["t"] }],
      ["ListVariables", { sessionId }],
      ["SetVariables", { sessionId, assignments: [{ name: "t", value: 1 }] }],
      ["RegisterVariable", { sessionId, name: "u", type: "float", value: 0 }],
      ["DeleteVariable", { sessionId, name: "t" }],
      ["ExecuteTool", { tool: "add", args: { a: 1, b: 2 }, sessionId }],
    ];
    for (const [rpc, body] of uses) {
      const foreign = await post(rpc, body, "other");
      expect([rpc, foreign.status, foreign.json["code"]]).toEqual([rpc, 404, "not_found"]);
    }
    expect(await post("EndSession", { sessionId }, "other")).toMatchObject({ status: 200, json: {} });
    expect((await post("ListSessions", {}, "other")).json).toEqual({});

    // The reader has the same name and may look, but not change.
    expect(await post("GetVariables", { sessionId, names: ["t"] }, "reader")).toMatchObject({
      json: { variables: [{ name: "t", value: 0.7 }] },
    });
    for (const rpc of ["SetVariables", "RegisterVariable", "DeleteVariable", "EndSession", "OpenSession"]) {
      expect([rpc, (await post(rpc, { sessionId, name: "t" }, "reader")).status]).toEqual([rpc, 403]);
    }
    expect((await post("ListSessions", {}, "looker")).json).toMatchObject({ sessions: [{ id: sessionId }] });
    expect((await post("GetVariables", { sessionId, names: ["t"] }, "looker")).status).toBe(403);
    expect((await post("EndSession", { sessionId }, "admin")).json).toEqual({ ended: true });
  });

  test("an error tells its traceback only to whoever may see it", async () => {
    const body = { tool: "fail", args: { message: "it went wrong" } };
    const [stranger, admin] = [await post("ExecuteTool", body, "other"), await post("ExecuteTool", body, "admin")];
    expect([stranger.status, admin.status]).toEqual([500, 500]);
    /** The details are protobuf, as base64 text: what is text in it is found all the same. */
    const detail = ({ json }: typeof admin): string =>
      Buffer.from(JSON.stringify(json["details"]).match(/"value":"([^"]+)/)?.[1] ?? "", "base64").toString();
    for (const text of ["Traceback", "behaviour.py", ".ts:"]) {
      expect(detail(admin)).toContain(text);
      expect(detail(stranger)).not.toContain(text);
    }
  });

  test("who asked for what stands in the audit log, and no token or argument anywhere", async () => {
    const argument = `argument-${crypto.randomUUID()}`;
    await post("ExecuteTool", { tool: "echo", args: { value: argument } }, "other");
    await post("ExecuteTool", { tool: "no_such_tool", args: { value: argument } }, "other");
    await fetch(`${gateway.url}/${tokens.secrets.admin}?token=${tokens.secrets.admin}&message=${argument}`, { headers: bearer("admin") });
    await fetch(`${gateway.url}/nowhere`, { headers: { authorization: `Bearer ${tokens.secrets.admin}x` } });
    const entries = () =>
      gateway
        .logged()
        .split("\n")
        .filter((line) => line.startsWith('{"time"'))
        .map((line) => JSON.parse(line));
    await until(() => entries().some(({ action, principal }) => action === "unknown" && principal === "nobody"));
    /** Those that have all of this. */
    const like = (what: Record<string, string>): unknown[] =>
      entries().filter((entry) => Object.entries(what).every(([name, value]) => entry[name] === value));
    expect(like({ principal: "token:other", action: "GatewayService/ExecuteTool", tool: "echo", outcome: "ok" })[0]).toMatchObject({
      time: expect.any(String),
      address: expect.any(String),
      durationMs: expect.any(Number),
    });
    expect(like({ principal: "token:other", tool: "no_such_tool", outcome: "not_found" })).toHaveLength(1);
    expect(like({ principal: "token:revoked", outcome: "unauthenticated" }).length).toBeGreaterThan(0);
    expect(like({ principal: "token:nothing", session: "x", outcome: "permission_denied" }).length).toBeGreaterThan(0);
    expect(like({ principal: "token:looker", action: "AdminService/KillWorker", outcome: "permission_denied" })).toHaveLength(1);
    // Every RPC is named.
    const named = new Set(entries().map(({ action }) => action));
    for (const method of everyRpc) expect(named).toContain(`${method.parent.name}/${method.name}`);

    expect(await gateway.stop()).toBe(0);
    const logged = gateway.logged();
    for (const secret of [...Object.values(tokens.secrets), argument]) expect(logged).not.toContain(secret);
    // Nor in another form.
    for (const secret of Object.values(tokens.secrets)) {
      for (const form of [btoa(secret), secret.slice("skp_".length), encodeURIComponent(secret)]) expect(logged).not.toContain(form);
    }
  }, 60_000);
});

test("paths of RPCs are those of the descriptors", () => {
  expect(everyRpc.map(pathOf)).toContain("/snakepit.v1.GatewayService/ExecuteTool");
  expect(everyRpc.length).toBeGreaterThanOrEqual(19);
});
