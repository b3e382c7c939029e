/** Who is let in, and what is written down about it. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isSnakepitError, type SnakepitError } from "../../errors/index.ts";
import type { PeerCertificate, RequestHead } from "../http/site.ts";
import { openAccess } from "./access.ts";
import type { AuditEntry } from "./audit.ts";
import { authorize } from "./authorize.ts";
import { checkListening } from "./loopback.ts";
import type { AccessOptions, Auth } from "./options.ts";
import { principalKey } from "./principal.ts";
import { createToken, hashOf } from "./secrets.ts";
import { changeTokenFile, type TokenRecord } from "./token-file.ts";

const add = "/snakepit.v1.GatewayService/ExecuteTool";

interface Sent {
  readonly path?: string;
  readonly token?: string;
  readonly headers?: Record<string, string>;
  readonly address?: string;
  readonly url?: string;
  readonly certificate?: PeerCertificate;
}

function head({
  path = add,
  token,
  headers = {},
  address = "127.0.0.1",
  url = "http://127.0.0.1:7100",
  certificate,
}: Sent = {}): RequestHead {
  return {
    method: "POST",
    url: new URL(path, url),
    headers: new Headers({ ...headers, ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }),
    peer: { address, loopback: address.startsWith("127."), certificate },
  };
}

/** The tag of what `admit` throws, or the id of who was let in. */
async function outcome(access: ReturnType<typeof openAccess>, sent: Sent): Promise<string> {
  try {
    const { values, release } = await access.admit(head(sent));
    release();
    return values.get(principalKey).id;
  } catch (error) {
    return isSnakepitError(error) ? `${error._tag}: ${error.message}` : String(error);
  }
}

function thrown(run: () => unknown): SnakepitError {
  try {
    run();
  } catch (error) {
    if (isSnakepitError(error)) return error;
    throw error;
  }
  throw new Error("it did not throw");
}

const token = createToken();
const auth: Auth = { tokens: [{ token, name: "ci", scopes: ["tool:add", "session:own:write"] }] };

describe("a gateway lets in", () => {
  test("nobody, when it was told nothing", async () => {
    expect(await outcome(openAccess({}), { token })).toStartWith("Unauthenticated");
    expect(await outcome(openAccess({ auth: {} }), {})).toStartWith("Unauthenticated");
  });

  test("whoever has a token, and nobody with another one or none", async () => {
    const access = openAccess({ auth });
    expect(await outcome(access, { token })).toBe("token:ci");
    expect(await outcome(access, { token: createToken() })).toBe("Unauthenticated: Not authenticated: the token is not known.");
    expect(await outcome(access, {})).toContain("no token was sent");
    for (const authorization of [
      "",
      "Bearer",
      "Bearer ",
      `Basic ${token}`,
      `Bearer ${token} ${token}`,
      `bearer\t${token}`,
      `Bearer ${"x".repeat(20_000)}`,
    ]) {
      expect(await outcome(access, { headers: { authorization } })).toStartWith("Unauthenticated");
    }
  });

  test("a token until it expires", async () => {
    let now = 1_000;
    const access = openAccess({ auth: { tokens: [{ token, name: "ci", scopes: [], expiresAt: new Date(5_000) }] } }, () => now);
    expect(await outcome(access, { token })).toBe("token:ci");
    now = 5_000;
    expect(await outcome(access, { token })).toContain("has expired");
    const never = { token, name: "ci", scopes: [], expiresAt: new Date("soon") };
    expect(thrown(() => openAccess({ auth: { tokens: [never] } }))).toMatchObject({ option: "auth.tokens[0].expiresAt" });
  });

  test("everybody to the public pages, as nobody who may anything", async () => {
    const access = openAccess({ auth });
    for (const path of ["/", "/healthz", "/readyz", "/grpc.health.v1.Health/Check"]) {
      const { values } = await access.admit(head({ path }));
      expect(thrown(() => authorize(values, { kind: "tool", tool: "add", pool: "main" }))._tag).toBe("PermissionDenied");
    }
    for (const path of ["/metrics", "/healthz/", "/x/healthz", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]) {
      expect(await outcome(access, { path })).toStartWith("Unauthenticated");
    }
  });

  test("to the metrics, whoever has the scope", async () => {
    const reader = createToken();
    const access = openAccess({ auth: { tokens: [{ token: reader, name: "prometheus", scopes: ["metrics"] }, ...(auth.tokens ?? [])] } });
    expect(await outcome(access, { path: "/metrics", token: reader })).toBe("token:prometheus");
    expect(await outcome(access, { path: "/metrics", token })).toStartWith("PermissionDenied");
  });
});

describe("a file of tokens", () => {
  const records = (own: string, more: Partial<TokenRecord> = {}): TokenRecord => ({
    id: hashOf(own).slice(7, 15),
    name: "ci",
    hash: hashOf(own),
    scopes: ["*"],
    createdAt: "2026-01-01T00:00:00.000Z",
    ...more,
  });

  test("is read again when it changes: rotation, revocation, removal", async () => {
    const folder = mkdtempSync(join(tmpdir(), "access-"));
    try {
      const tokenFile = join(folder, "tokens.json");
      let now = Date.parse("2026-06-01");
      const [first, second] = [createToken(), createToken()];
      await changeTokenFile(tokenFile, () => [records(first)]);
      const entries: AuditEntry[] = [];
      const access = openAccess({ auth: { tokenFile }, audit: (entry) => entries.push(entry) }, () => now);
      expect(await outcome(access, { token: first })).toBe("token:ci");
      expect(await outcome(access, { token: second })).toStartWith("Unauthenticated");

      await changeTokenFile(tokenFile, () => [records(first), records(second)]);
      now += 1_000;
      expect([await outcome(access, { token: first }), await outcome(access, { token: second })]).toEqual(["token:ci", "token:ci"]);

      await changeTokenFile(tokenFile, () => [records(first, { revokedAt: "2026-05-01T00:00:00.000Z" }), records(second)]);
      now += 1_000;
      expect(await outcome(access, { token: first })).toContain("was revoked");
      expect(await outcome(access, { token: second })).toBe("token:ci");
      expect(entries.filter(({ action }) => action === "tokens")).toHaveLength(2);
      expect(entries.at(-2)).toMatchObject({ principal: "token:ci", outcome: "unauthenticated" });

      // Half written: what was read before stands, a revocation too.
      writeFileSync(tokenFile, '{ "tokens": [');
      now += 1_000;
      expect(await outcome(access, { token: second })).toBe("token:ci");
      expect(await outcome(access, { token: first })).toContain("was revoked");

      rmSync(tokenFile);
      now += 1_000;
      expect(await outcome(access, { token: second })).toContain("is not known");
      expect(readdirSync(folder)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("that is wrong keeps the gateway from opening, and is not quoted", () => {
    const folder = mkdtempSync(join(tmpdir(), "access-"));
    try {
      const tokenFile = join(folder, "tokens.json");
      const secret = createToken();
      const wrong: unknown[] = [
        "nothing",
        {},
        { tokens: [records(secret), records(secret)] },
        { tokens: [{ ...records(secret), hash: secret }] },
        { tokens: [{ ...records(secret), token: secret }] },
        { tokens: [{ ...records(secret), scopes: [secret] }] },
        { tokens: [{ ...records(secret), expiresAt: secret }] },
        { tokens: [{ ...records(secret), name: `${secret}\n` }] },
      ];
      for (const content of wrong) {
        writeFileSync(tokenFile, JSON.stringify(content));
        const error = thrown(() => openAccess({ auth: { tokenFile } }));
        expect(error).toMatchObject({ _tag: "InvalidOptions", option: "auth.tokenFile" });
        expect(error.message).not.toContain(secret);
      }
      expect(thrown(() => openAccess({ auth: { tokenFile: join(folder, "none") } })).message).toContain("ENOENT");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("without authentication", () => {
  const access = openAccess({ auth: "none", hosts: ["pit.test"] });
  const local = "none:local";

  test("this machine may ask by its own names", async () => {
    for (const host of ["127.0.0.1:7100", "localhost:7100", "LOCALHOST", "[::1]:7100", "app.localhost:1", "pit.test:80", "127.3.2.1"]) {
      expect(await outcome(access, { headers: { host }, url: `http://${host}` })).toBe(local);
    }
  });

  test("a page that another name leads here is refused", async () => {
    for (const host of [
      "evil.example:7100",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "0.0.0.0:7100",
      "192.168.0.2",
      "127.evil.example",
    ]) {
      expect(await outcome(access, { headers: { host } })).toContain("Host header");
      expect(await outcome(access, { url: `http://${host}` })).toContain("Host header");
    }
  });

  test("another site's page is refused", async () => {
    const host = "127.0.0.1:7100";
    expect(await outcome(access, { headers: { host, origin: `http://${host}`, "sec-fetch-site": "same-origin" } })).toBe(local);
    for (const origin of ["http://evil.example", "null", "https://127.0.0.1:7100", "http://127.0.0.1:8080", "http://localhost:7100", "*"]) {
      expect(await outcome(access, { headers: { host, origin } })).toContain("Origin header");
    }
    for (const site of ["cross-site", "same-site"]) {
      expect(await outcome(access, { headers: { host, "sec-fetch-site": site } })).toContain("Origin header");
    }
  });

  test("another machine is refused, whatever it says it is called", async () => {
    expect(await outcome(access, { address: "192.0.2.7", headers: { host: "localhost" } })).toContain("another machine");
  });

  test("only loopback may be listened on", () => {
    for (const host of ["127.0.0.1", "localhost", "::1"]) checkListening(host, "none");
    for (const host of ["0.0.0.0", "::", "192.0.2.7", "pit.example.com", ""]) {
      expect(thrown(() => checkListening(host, "none"))).toMatchObject({ _tag: "InvalidOptions", option: "auth" });
    }
    for (const nothing of [undefined, {}, { tokens: [] }]) {
      expect(thrown(() => checkListening("0.0.0.0", nothing))._tag).toBe("InvalidOptions");
    }
    checkListening("0.0.0.0", auth);
  });
});

describe("certificates", () => {
  const certificate = {
    subject: "CN=batch",
    subjectAltNames: ["DNS:batch.test", "URI:spiffe://test/batch"],
    fingerprint256: `${"AB:".repeat(31)}CD`,
  };
  const rules: AccessOptions = {
    auth: {
      ...auth,
      certificates: [
        { name: "both", subject: "CN=batch", subjectAltName: "DNS:other.test", scopes: ["*"] },
        { name: "batch", subjectAltName: "URI:spiffe://test/batch", scopes: ["tool:*"] },
        { name: "printed", fingerprint256: `${"ab".repeat(31)}cd`, scopes: [] },
      ],
    },
  };

  test("are whoever the first rule says that fits in everything", async () => {
    const access = openAccess(rules);
    expect(await outcome(access, { certificate })).toBe("certificate:batch");
    expect(await outcome(access, { certificate: { ...certificate, subjectAltNames: [] } })).toBe("certificate:printed");
    expect(
      await outcome(access, { certificate: { subject: "CN=batch2", subjectAltNames: ["DNS:batch.test"], fingerprint256: "" } }),
    ).toContain("none that may come in");
  });

  test("do not make good for a token that is wrong", async () => {
    const access = openAccess(rules);
    expect(await outcome(access, { certificate, token })).toBe("token:ci");
    expect(await outcome(access, { certificate, token: createToken() })).toStartWith("Unauthenticated");
  });
});

describe("limits", () => {
  test("hold back a principal that asks too often, and no other", async () => {
    let now = 0;
    const other = createToken();
    const both: Auth = { tokens: [...(auth.tokens ?? []), { token: other, name: "other", scopes: [] }] };
    const access = openAccess({ auth: both, limits: { requestsPerSecond: 2 } }, () => now);
    expect([await outcome(access, { token }), await outcome(access, { token })]).toEqual(["token:ci", "token:ci"]);
    await expect(access.admit(head({ token }))).rejects.toMatchObject({ _tag: "RateLimited", retryAfterMs: 500, retryable: true });
    expect(await outcome(access, { token: other })).toBe("token:other");
    now += 500;
    expect(await outcome(access, { token })).toBe("token:ci");
  });

  test("hold back a principal that has too much under way, until something ends", async () => {
    const access = openAccess({ auth, limits: { concurrent: 2 } });
    const [first] = [await access.admit(head({ token })), await access.admit(head({ token }))];
    expect(await outcome(access, { token })).toStartWith("RateLimited");
    first.release();
    expect(await outcome(access, { token })).toBe("token:ci");
  });

  test("hold back an address that fails too often, but nobody who is known", async () => {
    let now = 0;
    const access = openAccess({ auth, limits: { failuresPerMinute: 3 } }, () => now);
    const wrong = (address: string) => outcome(access, { token: createToken(), address });
    for (let n = 0; n < 3; n++) expect(await wrong("127.0.0.1")).toStartWith("Unauthenticated");
    expect(await wrong("127.0.0.1")).toStartWith("RateLimited");
    expect(await wrong("192.0.2.7")).toStartWith("Unauthenticated");
    expect(await outcome(access, { token })).toBe("token:ci");
    now += 20_000;
    expect(await wrong("127.0.0.1")).toStartWith("Unauthenticated");
  });

  test("hold back strangers who watch the health without end, and nobody else who asks for it", async () => {
    const access = openAccess({ auth });
    const watch = (address: string) => access.admit(head({ path: "/grpc.health.v1.Health/Watch", address }));
    const [first] = await Promise.all(Array.from({ length: 100 }, () => watch("192.0.2.7")));
    await expect(watch("192.0.2.7")).rejects.toMatchObject({ _tag: "RateLimited" });
    await watch("192.0.2.8");
    await access.admit(head({ path: "/grpc.health.v1.Health/Check", address: "192.0.2.7" }));
    first?.release();
    await watch("192.0.2.7");
  });

  test("that make no sense are refused", () => {
    for (const value of [0, -1, Number.NaN]) {
      expect(thrown(() => openAccess({ limits: { concurrent: value } }))).toMatchObject({ option: "limits.concurrent" });
    }
  });
});

describe("the audit log", () => {
  test("has an entry for each request that was refused, and for each that was let in when it has ended", async () => {
    const entries: AuditEntry[] = [];
    let now = 1_000;
    const access = openAccess({ auth, audit: (entry) => entries.push(entry) }, () => now);
    await outcome(access, { token: createToken(), address: "192.0.2.7" });
    expect(entries).toEqual([
      {
        time: new Date(1_000).toISOString(),
        principal: "nobody",
        action: "GatewayService/ExecuteTool",
        outcome: "unauthenticated",
        durationMs: 0,
        address: "192.0.2.7",
      },
    ]);
    const { values, release } = await access.admit(head({ token }));
    authorize(values, { kind: "tool", tool: "add", pool: "main" });
    expect(thrown(() => authorize(values, { kind: "session", session: "s1", write: true, foreign: true }))._tag).toBe("PermissionDenied");
    now += 30;
    expect(entries).toHaveLength(1);
    release();
    expect(entries[1]).toMatchObject({ principal: "token:ci", tool: "add", pool: "main", session: "s1", durationMs: 30 });
  });

  test("in a file has a line for each, and nothing that a stranger sent", async () => {
    const folder = mkdtempSync(join(tmpdir(), "access-"));
    try {
      const path = join(folder, "audit.jsonl");
      const access = openAccess({ auth, audit: path });
      const secret = createToken();
      await outcome(access, { token: secret });
      await outcome(access, { token, path: `/${secret}?token=${secret}` });
      await outcome(access, { token, headers: { "user-agent": secret } });
      await access.close();
      const text = readFileSync(path, "utf8");
      expect(
        text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line).action),
      ).toEqual(["GatewayService/ExecuteTool", "unknown", "GatewayService/ExecuteTool"]);
      for (const each of [secret, token, hashOf(token).slice(7)]) expect(text).not.toContain(each);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
