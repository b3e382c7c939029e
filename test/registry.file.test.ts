/** Whatever is wrong with the registry's file, pits open and the record goes on in a new one. */
import { afterAll, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RegistryFile } from "../src/registry/file.ts";
import { registryMessage } from "../src/registry/message.ts";
import { stateFolder } from "../src/registry/place.ts";
import { thisSystem } from "../src/registry/system.ts";
import { startTimeAtOnce } from "../src/runtime/process-info.ts";
import { openSqlite } from "../src/runtime/sqlite.ts";
import { temporaryFolder, until } from "./pool.support.ts";
import { endAll, hostsIn, idle, newRun, openIn, startHost } from "./registry.support.ts";

afterAll(endAll);

/** A folder with a registry that somebody has used, and its file. */
async function used(): Promise<readonly [state: string, file: string]> {
  const state = temporaryFolder();
  await using registry = await openIn(state);
  const host = await registry.run(registry.host({ run: newRun(), pools: ["main"], admin: idle }));
  for (let n = 0; n < 200; n++) host.record({ id: `main-${n}`, pool: "main", kind: "worker" });
  return [state, join(state, "registry.sqlite")];
}

/** Opens it as a pit does, and looks whether others see what is written. */
async function works(state: string): Promise<readonly string[]> {
  await using registry = await openIn(state);
  const run = newRun();
  const host = await registry.run(registry.host({ run, pools: ["main"], admin: idle }));
  host.record({ id: "main-1", pool: "main", kind: "worker" });
  await until(async () => (await hostsIn(state)).some((found) => found.run === run && found.processes.length === 1));
  return registry.events.map(({ type }) => type);
}

const corruptFiles = (state: string): readonly string[] =>
  readdirSync(state).filter((name) => /^registry\.sqlite\.corrupt-[^.]+$/.test(name));

describe("a file that is", () => {
  test("whole is taken as it is", async () => {
    const [state] = await used();
    expect(await works(state)).toEqual([]);
  });

  test("empty, or as good as that, is a new one", async () => {
    const [state, file] = await used();
    for (const length of [1, 0]) {
      truncateSync(file, length);
      expect(await works(state)).toEqual([]);
    }
  });

  test("garbage is moved aside, which is said", async () => {
    const [state, file] = await used();
    writeFileSync(file, "This is no database at all. ".repeat(500));
    expect(await works(state)).toEqual(["damaged"]);
    const [aside = ""] = corruptFiles(state);
    expect(readFileSync(join(state, aside), "utf8")).toStartWith("This is no database");
    expect(await works(state)).toEqual([]);
    expect(registryMessage({ type: "damaged", file, movedTo: aside })).toContain(aside);
  });

  test("cut anywhere opens", async () => {
    const [, file] = await used();
    const bytes = readFileSync(file);
    for (let length = 1_000; length < bytes.length; length += 1_789) {
      const state = temporaryFolder();
      writeFileSync(join(state, "registry.sqlite"), bytes.subarray(0, length));
      const events = await works(state);
      // What stands at the end of the file may be free.
      expect([[], ["damaged"]]).toContainEqual([...events]);
      expect(corruptFiles(state)).toHaveLength(events.length);
    }
  });

  test("damaged in the middle opens", async () => {
    const [, file] = await used();
    const bytes = readFileSync(file);
    for (let at = 100; at < bytes.length; at += 1_531) {
      const state = temporaryFolder();
      const copy = Buffer.from(bytes);
      copy.fill(0xa5, at, Math.min(at + 600, copy.length));
      writeFileSync(join(state, "registry.sqlite"), copy);
      // SQLite does not see what is wrong where nothing stands.
      expect([[], ["damaged"]]).toContainEqual([...(await works(state))]);
    }
  });

  test("damaged while it is open is replaced, with all that stands in it", async () => {
    const [state, file] = await used();
    await using registry = await openIn(state);
    const run = newRun();
    const host = await registry.run(registry.host({ run, pools: ["main"], admin: idle }));
    host.record({ id: "main-1", pool: "main", kind: "worker" });
    rmSync(`${file}-wal`);
    rmSync(file);
    writeFileSync(file, "no database".repeat(1_000));
    host.record({ id: "main-2", pool: "main", kind: "worker" });
    await until(async () => (await hostsIn(state))[0]?.processes.length === 2);
  });

  test("removed while it is open is made again, with all that stands in it", async () => {
    const [state] = await used();
    await using registry = await openIn(state);
    const host = await registry.run(registry.host({ run: newRun(), pools: ["main"], admin: idle }));
    host.record({ id: "main-1", pool: "main", kind: "worker" });
    rmSync(state, { recursive: true });
    host.record({ id: "main-2", pool: "main", kind: "worker" });
    await until(async () => (await hostsIn(state))[0]?.processes.length === 2);
  });

  test("locked is written when it is free, and holds nobody up", async () => {
    const [state, file] = await used();
    const other = await openSqlite(file);
    other.exec("BEGIN IMMEDIATE");
    const registry = await openIn(state);
    const run = newRun();
    const host = await registry.run(registry.host({ run, pools: ["main"], admin: idle }));
    let shortest = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 4; round++) {
      const since = performance.now();
      for (let n = 0; n < 25; n++) host.record({ id: `main-${round}-${n}`, pool: "main", kind: "worker" }).started(1);
      shortest = Math.min(shortest, performance.now() - since);
    }
    // Waiting 3 ms for each of the 50 writes of a round would take 150.
    expect(shortest).toBeLessThan(75);
    other.exec("COMMIT");
    await until(async () => (await hostsIn(state)).find((found) => found.run === run)?.processes.length === 100);
    other.exec("BEGIN IMMEDIATE");
    const closed = registry[Symbol.asyncDispose]();
    setTimeout(() => other.exec("COMMIT"), 30);
    await closed;
    other.close();
    expect(await hostsIn(state)).toEqual([]);
    expect(registry.events).toEqual([]);
  });

  test.each([
    ["made by a newer Snakepit", "PRAGMA user_version = 1000", "was made by a newer Snakepit"],
    ["somebody else's", "PRAGMA application_id = 7; CREATE TABLE theirs (x)", "is no registry of Snakepit"],
  ])("%s is not touched, and pits do without", async (_, sql, said) => {
    const state = temporaryFolder();
    const database = await openSqlite(join(state, "registry.sqlite"));
    database.exec(`PRAGMA application_id = ${0x73_6e_6b_72}; ${sql}`);
    database.close();
    const before = readFileSync(join(state, "registry.sqlite"));
    {
      await using registry = await openIn(state);
      const host = await registry.run(registry.host({ run: newRun(), pools: ["main"], admin: idle }));
      host.record({ id: "main-1", pool: "main", kind: "worker" }).started(1);
      expect(await registry.run(registry.sweep)).toEqual([]);
      expect(registry.events).toMatchObject([{ type: "unavailable", reason: expect.stringContaining(said) }]);
    }
    expect(readFileSync(join(state, "registry.sqlite"))).toEqual(before);
  });

  test("nowhere, because no folder can be made, is done without, with one warning", async () => {
    await using registry = await openIn("/dev/null/state");
    const host = await registry.run(registry.host({ run: newRun(), pools: ["main"], admin: idle }));
    const recorded = host.record({ id: "main-1", pool: "main", kind: "worker" });
    recorded.started(1);
    recorded.forget();
    expect(await registry.run(registry.hosts)).toEqual([]);
    expect(registry.events).toMatchObject([{ type: "unavailable", file: "/dev/null/state/registry.sqlite" }]);
  });
});

test("whoever looks waits a moment for a file that others are writing", async () => {
  const state = temporaryFolder();
  const path = join(state, "registry.sqlite");
  const { machine, boot, pid } = thisSystem();
  const file = await RegistryFile.open(path, undefined);
  file.putHost({ run: newRun(), machine, boot, pid, startTime: startTimeAtOnce(pid), socketPath: "", pools: [], openedAt: 0 });
  file.close();
  const other = await openSqlite(path);
  // Keeps readers out too.
  other.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  await using registry = await openIn(state, { existing: true });
  setTimeout(() => other.close(), 30);
  expect(await registry.run(registry.hosts)).toHaveLength(1);
  expect(registry.events).toEqual([]);
});

test("a file that was closed is closed", async () => {
  const [state] = await used();
  expect(readdirSync(state).toSorted()).toEqual(["admin", "registry.sqlite"]);
});

test("ten programs that find a damaged file at once end up with one that is not", async () => {
  const [state, file] = await used();
  writeFileSync(file, "no database".repeat(1_000));
  const hosts = await Promise.all(Array.from({ length: 10 }, () => startHost(state, ["leader"])));
  await until(async () => (await hostsIn(state)).filter(({ processes }) => processes.length === 1).length === hosts.length);
  expect(corruptFiles(state)).toHaveLength(1);
}, 60_000);

test("whoever only looks makes no file, and leaves a damaged one where it is", async () => {
  const state = temporaryFolder();
  {
    await using registry = await openIn(state, { existing: true });
    expect(await registry.run(registry.hosts)).toEqual([]);
    expect(registry.events).toEqual([]);
  }
  expect(readdirSync(state)).toEqual([]);
  writeFileSync(join(state, "registry.sqlite"), "no database".repeat(1_000));
  await using registry = await openIn(state, { existing: true });
  expect(await registry.run(registry.leftovers)).toEqual([]);
  expect(registry.events).toMatchObject([{ type: "unavailable" }]);
  expect(readdirSync(state)).toEqual(["registry.sqlite"]);
});

test("the state folder is the user's, unless SNAKEPIT_STATE or XDG_STATE_HOME names another", () => {
  const { SNAKEPIT_STATE, XDG_STATE_HOME } = process.env;
  try {
    process.env["SNAKEPIT_STATE"] = "/one";
    process.env["XDG_STATE_HOME"] = "/two";
    expect(stateFolder()).toBe("/one");
    process.env["SNAKEPIT_STATE"] = "";
    expect(stateFolder()).toBe("/two/snakepit");
    process.env["XDG_STATE_HOME"] = "relative";
    expect(stateFolder()).toEndWith("/.local/state/snakepit");
  } finally {
    process.env["SNAKEPIT_STATE"] = SNAKEPIT_STATE ?? "";
    process.env["XDG_STATE_HOME"] = XDG_STATE_HOME ?? "";
  }
});
