/** Files of sessions: several processes on one, and files that are no such file. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { openSqlite } from "../src/runtime/sqlite.ts";
import { Store } from "../src/session/service.ts";
import { fails } from "./session.cases.ts";
import { bench } from "./session.support.ts";

const root = resolve(import.meta.dirname, "..");
const writer = resolve(import.meta.dirname, "session.writer.ts");

let folder = "";
let file = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "snakepit-sessions-"));
  file = join(folder, "sessions.db");
});
afterEach(() => rmSync(folder, { recursive: true }));

const spawn = (runtime: string, ...args: readonly string[]) =>
  Bun.spawn([`${root}/node_modules/.bin/${runtime}`, ...(runtime === "node" ? ["--no-warnings"] : []), writer, file, ...args], {
    cwd: root,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });

describe("two processes on one file", () => {
  test("lose no update to each other", async () => {
    const children = [spawn("bun", "600", "wait"), spawn("node", "600", "wait")];
    // They begin together, when both are ready.
    for (const { stdout } of children) {
      const reader = stdout.getReader();
      for (let text = ""; !text.includes("ready"); ) text += new TextDecoder().decode((await reader.read()).value);
    }
    for (const { stdin } of children) {
      stdin.write("\n");
      stdin.flush();
    }
    const exits = await Promise.all(children.map((child) => child.exited));
    for (const [i, exit] of exits.entries()) if (exit !== 0) throw new Error(await new Response(children[i]!.stderr).text());
    await using reader = await bench({ store: Store.layerSqlite({ file }) });
    const { variables } = await reader.session("shared");
    // Of 600 rounds each, 200 write all three and 400 write one of the first two.
    for (const [name, version] of [
      ["a", 800],
      ["b", 800],
      ["c", 400],
    ] as const) {
      expect((await variables.entry(name)).version).toBe(version);
    }
  }, 60_000);

  test("see each other's changes while they watch", async () => {
    await using here = await bench({ store: Store.layerSqlite({ file }) });
    const { variables } = await here.session("shared");
    await variables.register("a", { type: "integer", value: 0 });
    const watch = variables.watch(["a"]);
    await watch.next();
    const child = spawn("node", "30");
    let last = 0;
    let changes = 0;
    for await (const { version, coalesced } of watch) {
      expect(version).toBe(last + 1 + coalesced);
      changes += 1 + coalesced;
      last = version;
      if (version === 20) break;
    }
    expect(changes).toBe(20);
    expect(await child.exited).toBe(0);
  }, 60_000);

  test("see it when the other one ends the session", async () => {
    const other = await bench({ store: Store.layerSqlite({ file }) });
    await using here = await bench({ store: Store.layerSqlite({ file }) });
    const session = await here.session("shared");
    await session.variables.register("a", { type: "integer", value: 0 });
    const watch = session.variables.watch();
    await watch.next();
    await (await other.session("shared")).end();
    await other[Symbol.asyncDispose]();
    expect((await watch.next()).value?.kind).toBe("ended");
    await fails(session.variables.get("a"), "SessionNotFound");
  });
});

describe("a file", () => {
  test("keeps sessions from one program to the next", async () => {
    {
      await using before = await bench({ store: Store.layerSqlite({ file }) });
      const session = await before.session("s", { metadata: { user: "42" } });
      await session.variables.register("v", { type: "float", value: 1, constraints: { max: 2 }, metadata: { a: "b" } });
      await session.variables.set("v", 2);
    }
    await using after = await bench({ store: Store.layerSqlite({ file }) });
    const session = await after.session("s");
    expect(session.metadata).toEqual({ user: "42" });
    expect(await session.variables.entry("v")).toMatchObject({ value: 2, version: 1, constraints: { max: 2 }, metadata: { a: "b" } });
    await fails(session.variables.set("v", 3), "VariableInvalid");
  });

  test("of a newer version is refused, and left as it is", async () => {
    await (await bench({ store: Store.layerSqlite({ file }) }))[Symbol.asyncDispose]();
    const database = await openSqlite(file);
    database.exec("PRAGMA user_version = 99");
    const error = await fails<{ expected: string }>(bench({ store: Store.layerSqlite({ file }) }), "InvalidOptions");
    expect(error.expected).toContain("has version 99, made by a newer Snakepit");
    expect(database.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    database.close();
  });

  test("of somebody else's is refused, and left as it is", async () => {
    const database = await openSqlite(file);
    database.exec("CREATE TABLE sessions (mine TEXT)");
    const error = await fails<{ option: string }>(bench({ store: Store.layerSqlite({ file }) }), "InvalidOptions");
    expect(error.option).toBe("store.file");
    expect(database.prepare("SELECT name FROM sqlite_schema").all()).toEqual([{ name: "sessions" }]);
    database.close();
  });

  test("that cannot be opened is StoreFailed", async () => {
    await fails(bench({ store: Store.layerSqlite({ file: join(folder, "missing", "s.db") }) }), "StoreFailed");
    await Bun.write(file, "this is no database, and long enough to be looked at as one".repeat(20));
    await fails(bench({ store: Store.layerSqlite({ file }) }), "StoreFailed");
    expect(existsSync(`${file}-wal`)).toBe(false);
  });
});
