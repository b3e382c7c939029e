/** Signed tokens: which count, by keys from a file and from a URL. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, type GenerateKeyPairResult, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { isSnakepitError } from "../../errors/index.ts";
import { type Access, openAccess } from "./access.ts";
import type { JwtOptions } from "./options.ts";
import { type Principal, principalKey } from "./principal.ts";

const issuer = "https://issuer.test";
const audience = "snakepit";
const now = Date.parse("2026-06-01T00:00:00.000Z");
const folder = mkdtempSync(join(tmpdir(), "jwt-"));
const file = join(folder, "keys.json");
let ours: GenerateKeyPairResult;
let theirs: GenerateKeyPairResult;

const keySet = async (...pairs: readonly (readonly [string, GenerateKeyPairResult])[]): Promise<string> =>
  JSON.stringify({
    keys: await Promise.all(pairs.map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid, alg: "ES256" }))),
  });

beforeAll(async () => {
  [ours, theirs] = await Promise.all([generateKeyPair("ES256"), generateKeyPair("ES256")]);
  writeFileSync(file, await keySet(["ours", ours]));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Made {
  readonly claims?: Record<string, unknown>;
  readonly by?: GenerateKeyPairResult;
  readonly kid?: string;
}
const made = ({ claims = {}, by = ours, kid = "ours" }: Made = {}): Promise<string> =>
  new SignJWT({ iss: issuer, aud: audience, sub: "alice", exp: now / 1000 + 600, scope: "openid tool:add session:own:read", ...claims })
    .setProtectedHeader({ alg: "ES256", kid })
    .sign(by.privateKey);

const opened = (more: Partial<JwtOptions> = {}, clock = () => now): Access =>
  openAccess({ auth: { jwt: { jwks: file, issuer, audience, ...more } } }, clock);

async function asked(access: Access, token: string): Promise<Principal> {
  const { values, release } = await access.admit({
    method: "POST",
    url: new URL("http://127.0.0.1/snakepit.v1.GatewayService/ListTools"),
    headers: new Headers({ authorization: `Bearer ${token}` }),
    peer: { address: "127.0.0.1", loopback: true, certificate: undefined },
  });
  release();
  return values.get(principalKey);
}

async function refusal(access: Access, token: string): Promise<string> {
  try {
    return `let in: ${(await asked(access, token)).id}`;
  } catch (error) {
    return isSnakepitError(error) ? error.message : String(error);
  }
}

test("one that fits is its subject, with the scopes of its claim", async () => {
  const principal = await asked(opened(), await made());
  expect(principal.id).toBe("jwt:alice");
  expect(principal.may({ kind: "tool", tool: "add", pool: "main" })).toBeTrue();
  expect(principal.may({ kind: "tool", tool: "sub", pool: "main" })).toBeFalse();
  expect(principal.may({ kind: "session", session: "s", write: true })).toBeFalse();
  expect(principal.tracebacks).toBeFalse();
});

test("scopes may stand in another claim, as a list, or be made of all of them", async () => {
  const inList = await asked(opened({ scopes: "roles" }), await made({ claims: { roles: ["admin:read", 7] } }));
  expect(inList.may({ kind: "admin", write: false })).toBeTrue();
  expect(inList.may({ kind: "tool", tool: "add", pool: "main" })).toBeFalse();
  const byFunction = opened({ scopes: ({ groups }) => (Array.isArray(groups) && groups.includes("ops") ? ["admin:write"] : []) });
  expect((await asked(byFunction, await made({ claims: { groups: ["ops"] } }))).may({ kind: "admin", write: true })).toBeTrue();
});

test("one that does not fit is refused, with the reason", async () => {
  const access = opened();
  const unsigned = new UnsecuredJWT({ sub: "alice", iss: issuer, aud: audience, exp: now / 1000 + 600, scope: "*" }).encode();
  const shared = await new SignJWT({ sub: "alice", iss: issuer, aud: audience, exp: now / 1000 + 600 })
    .setProtectedHeader({ alg: "HS256", kid: "ours" })
    .sign(new TextEncoder().encode(await keySet(["ours", ours])));
  const [head, , signature] = (await made()).split(".");
  const changed = `${head}.${btoa(JSON.stringify({ sub: "admin", iss: issuer, aud: audience, exp: now / 1000 + 600 })).replaceAll("=", "")}.${signature}`;
  const wrong: readonly (readonly [string, string])[] = [
    [await made({ claims: { exp: now / 1000 - 6 } }), "has expired"],
    [await made({ claims: { exp: undefined } }), '"exp"'],
    [await made({ claims: { nbf: now / 1000 + 60 } }), '"nbf"'],
    [await made({ claims: { iss: "https://other.test" } }), '"iss"'],
    [await made({ claims: { aud: "other" } }), '"aud"'],
    [await made({ claims: { sub: undefined } }), '"sub"'],
    [await made({ claims: { sub: "" } }), "subject"],
    [await made({ claims: { sub: "x".repeat(201) } }), "subject"],
    [await made({ by: theirs }), "signature"],
    [await made({ by: theirs, kid: "theirs" }), "key that is not known"],
    [unsigned, "not known"],
    [`${unsigned}AAAA`, "signed in a way"],
    [shared, "signed in a way"],
    [changed, "signature"],
    ["a.b.c", "malformed"],
    ["no-token-at-all", "not known"],
  ];
  for (const [token, reason] of wrong) expect(await refusal(access, token)).toContain(reason);
});

test("clocks may differ a little", async () => {
  expect(await refusal(opened(), await made({ claims: { exp: now / 1000 - 4 } }))).toStartWith("let in");
  expect(await refusal(opened({ clockToleranceMs: 0 }), await made({ claims: { exp: now / 1000 - 1 } }))).toContain("has expired");
});

test("one that was checked ends when it expires, not later", async () => {
  let time = now;
  const access = opened({}, () => time);
  const token = await made({ claims: { exp: now / 1000 + 10 } });
  expect(await refusal(access, token)).toStartWith("let in");
  time += 14_000;
  expect(await refusal(access, token)).toStartWith("let in");
  time += 1_000;
  expect(await refusal(access, token)).toContain("has expired");
});

test("whoever has a token that counts comes in, however many others fail from the same address", async () => {
  const access = openAccess({ auth: { jwt: { jwks: file, issuer, audience } }, limits: { failuresPerMinute: 1 } }, () => now);
  const known = await made();
  expect(await refusal(access, known)).toStartWith("let in");
  expect(await refusal(access, await made({ by: theirs }))).toContain("signature");
  expect(await refusal(access, await made({ by: theirs }))).toContain("Too many requests");
  expect(await refusal(access, await made({ claims: { sub: "bob" } }))).toBe("let in: jwt:bob");
  expect(await refusal(access, known)).toStartWith("let in");
});

test("keys of a file change with it", async () => {
  let time = now;
  const changing = join(folder, "changing.json");
  writeFileSync(changing, await keySet(["theirs", theirs]));
  const access = opened({ jwks: changing }, () => time);
  expect(await refusal(access, await made())).toContain("not known");
  writeFileSync(changing, await keySet(["theirs", theirs], ["ours", ours]));
  time += 1_000;
  expect(await refusal(access, await made())).toStartWith("let in");
});

test("keys of a URL are fetched; without them nobody comes in", async () => {
  const keys = await keySet(["ours", ours]);
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.setHeader("content-type", "application/json").end(keys);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // An address of TCP is an object.
  const { port } = server.address() as AddressInfo;
  const access = opened({ jwks: `http://127.0.0.1:${port}/keys` });
  expect(await refusal(access, await made())).toStartWith("let in");
  expect(await refusal(access, await made({ claims: { sub: "bob" } }))).toBe("let in: jwt:bob");
  expect(asked).toBe(1);
  await new Promise((resolve) => server.close(resolve).closeAllConnections());
  expect(await refusal(opened({ jwks: `http://127.0.0.1:${port}/keys` }), await made())).toContain("cannot be had");
});

test("options that would let anybody in are refused", () => {
  const wrong: readonly (readonly [Partial<JwtOptions>, string])[] = [
    [{ jwks: "http://issuer.test/keys" }, "auth.jwt.jwks"],
    [{ jwks: "ftp://127.0.0.1/keys" }, "auth.jwt.jwks"],
    [{ jwks: join(folder, "none.json") }, "auth.jwt.jwks"],
    [{ algorithms: ["HS256"] }, "auth.jwt.algorithms"],
    [{ algorithms: ["none"] }, "auth.jwt.algorithms"],
    [{ algorithms: [] }, "auth.jwt.algorithms"],
    [{ issuer: "" }, "auth.jwt.issuer"],
    [{ audience: "" }, "auth.jwt.audience"],
    [{ clockToleranceMs: Number.NaN }, "auth.jwt.clockToleranceMs"],
  ];
  for (const [options, option] of wrong) expect(() => opened(options)).toThrow(`"${option}"`);
});
