import { afterAll, expect, test } from "bun:test";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { hashOf } from "../gateway/access/secrets.ts";
import { readTokenFile } from "../gateway/access/token-file.ts";
import { Sandbox } from "./cli.support.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());
const token = (...args: string[]) => sandbox.snakepit(["token", ...args]);

test("a token is shown once, kept as a hash, listed and revoked", async () => {
  const file = join(sandbox.folder, "tokens.json");
  const made = await token("create", "ci", "--scope", "tool:*", "--scope", "session:own:write", "--days", "90", "--concurrent", "4");
  expect(made.stdout).toMatch(/^skp_[\w-]{43}$/);
  const [record] = readTokenFile(file);
  expect(record).toMatchObject({ name: "ci", hash: hashOf(made.stdout), scopes: ["tool:*", "session:own:write"], concurrent: 4 });
  expect(Date.parse(record?.expiresAt ?? "") - Date.parse(record?.createdAt ?? "")).toBe(90 * 86_400_000);
  expect(readFileSync(file, "utf8") + made.stderr).not.toContain(made.stdout);
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const { token: second, ...more } = JSON.parse((await token("create", "ci", "--scope", "*", "--json")).stdout);
  expect(readTokenFile(file)[1]).toMatchObject({ id: more.id, hash: hashOf(second) });
  expect((await token("revoke", record?.id ?? "")).exitCode).toBe(0);

  const rows = JSON.parse((await token("list", "--json")).stdout);
  expect(rows).toMatchObject([
    { id: record?.id, state: "revoked" },
    { id: more.id, state: "valid" },
  ]);
  expect(JSON.stringify(rows)).not.toContain("sha256");
  const { stdout } = await token("list");
  expect(stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
    ["id", "name", "state", "scopes"],
    [record?.id ?? "", "ci", "revoked", "tool:* session:own:write"],
    [more.id, "ci", "valid", "*"],
  ]);
}, 60_000);

test("two that are made at the same time both stand in the file", async () => {
  const made = await Promise.all(["a", "b", "c"].map((name) => token("create", name, "--scope", "metrics", "--tokens", "both.json")));
  const hashes = readTokenFile(join(sandbox.folder, "both.json")).map(({ hash }) => hash);
  expect(hashes.toSorted()).toEqual(made.map(({ stdout }) => hashOf(stdout)).toSorted());
}, 60_000);

test.each([
  [["create", "ci"], 2, "scope"],
  [["create", "ci", "--scope", "everything"], 2, "tool:NAME"],
  [["create", "two words", "--scope", "*"], 2, "letters, digits"],
  [["create", "ci", "--scope", "*", "--days", "0"], 2, "above 0"],
  [["create", "ci", "--scope", "*", "--days", "1e12"], 2, "at most 36500"],
  [["list", "--tokens", "none.json"], 1, "none.json"],
  [["revoke", "x", "--tokens", "made.json"], 1, 'There is no token "x"'],
])(
  "%j is answered with what is wrong",
  async (args, exitCode, said) => {
    sandbox.write("made.json", '{ "tokens": [] }');
    const result = await token(...args);
    expect(result).toMatchObject({ exitCode, stdout: "" });
    expect(result.stderr).toContain(said);
  },
  60_000,
);
