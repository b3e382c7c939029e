/** The admin socket of a pit: what it answers on each runtime, and that nothing that is said there disturbs it. */
import { afterAll, describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { Effect, Scope } from "effect";
import type { AdminHandlers } from "../src/registry/admin.ts";
import { askPit } from "../src/registry/admin-client.ts";
import { serveAdmin } from "../src/registry/admin-server.ts";
import { processesOf, temporaryFolder, until } from "./pool.support.ts";
import { endAll, hostsIn, idle, newRun, openIn, type runtimes, startHost } from "./registry.support.ts";

afterAll(endAll);

for (const runtime of ["bun", "node", "deno"] satisfies (keyof typeof runtimes)[]) {
  test(`a pit answers whoever finds it in the registry (${runtime})`, async () => {
    const state = temporaryFolder();
    const host = await startHost(state, ["leader", "leader"], runtime);
    const [{ socketPath } = { socketPath: "" }] = await hostsIn(state);
    expect(await askPit(socketPath, "workers")).toMatchObject({ workers: [{ id: "main-0", pid: host.pids[0] }, { id: "main-1" }] });
    expect(await askPit(socketPath, "sessions")).toMatchObject({ sessions: [{ id: "user-42", usedAt: "1970-01-01T00:00:00.000Z" }] });
    expect(await askPit(socketPath, "stats")).toEqual({ calls: "1152921504606846976" });
    expect(await askPit(socketPath, "health")).toEqual({
      status: "unhealthy",
      cause: { _tag: "ToolNotFound", message: expect.stringContaining('"ad"') },
    });
    await expect(askPit(socketPath, "reload")).rejects.toMatchObject({ code: "unimplemented" });
    expect(await askPit(socketPath, "kill", { worker: "main-0" })).toEqual({});
    await until(() => processesOf(host.run).length === 1);
    await expect(askPit(socketPath, "kill", { worker: "main-9" })).rejects.toMatchObject({
      code: "not_found",
      message: 'There is no worker "main-9".',
    });
    expect(await askPit(socketPath, "close")).toEqual({});
    await host.exited;
    expect(await hostsIn(state)).toEqual([]);
    // Deno lets children inherit the listening socket: as long as one lives it can be connected to, and nobody answers.
    const [code, timeoutMs] = runtime === "deno" ? ["deadline_exceeded", 100] : ["unavailable", 20_000];
    await expect(askPit(socketPath, "workers", {}, timeoutMs)).rejects.toMatchObject({ code });
  }, 60_000);
}

/** Serves these handlers for the rest of the test, and gives the path. */
async function served(handlers: Partial<AdminHandlers> = {}, state = temporaryFolder()): Promise<string> {
  return await Effect.runPromise(Scope.provide(serveAdmin({ ...idle, ...handlers }, state, "run"), Scope.makeUnsafe()));
}

/** Says this on the socket, and gives everything that is answered until it is closed. */
function say(path: string, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(path, () => socket.write(text));
    socket.setEncoding("utf8");
    socket.on("data", (data: string) => {
      heard += data;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(heard));
  });
}

describe("what is wrong is answered, and the next one is answered as well:", () => {
  const post = (path: string, body: string) =>
    `POST ${path} HTTP/1.1\r\nhost: pit\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  test.each([
    ["another method of HTTP", "GET /workers HTTP/1.1\r\nhost: pit\r\n\r\n", "400", "invalid_argument"],
    ["a method that there is not", post("/nonsense", "{}"), "404", "not_found"],
    ["a name that every object has", post("/toString", "{}"), "404", "not_found"],
    ["a body that is no JSON", post("/workers", "{"), "400", "invalid_argument"],
    ["a body that is no object", post("/workers", "3"), "400", "invalid_argument"],
    ["a body that is too long", post("/workers", " ".repeat(70_000)), "400", "invalid_argument"],
    ["a worker without a name", post("/kill", '{"worker":7}'), "400", "invalid_argument"],
    ["types of events that are no list", post("/events", '{"types":"log"}'), "400", "invalid_argument"],
    ["a limit below 0", post("/events", '{"limit":-1}'), "400", "invalid_argument"],
  ])("%s", async (_, text, status, code) => {
    const path = await served({ events: () => [] });
    const answer = await say(path, text);
    expect(answer).toStartWith(`HTTP/1.1 ${status}`);
    expect(answer).toContain(`"code":"${code}"`);
    expect(await askPit(path, "workers")).toEqual({ workers: [] });
  });

  test("what is no HTTP", async () => {
    const path = await served();
    await say(path, "\u0000\u0001 hello\r\n\r\n");
    expect(await askPit(path, "workers")).toEqual({ workers: [] });
  });

  test("a handler that throws", async () => {
    const path = await served({
      stats() {
        throw new Error("no stats today");
      },
    });
    await expect(askPit(path, "stats")).rejects.toMatchObject({ code: "internal", message: "no stats today" });
  });

  test("a pit that does not answer in time", async () => {
    const path = await served({ workers: () => new Promise(() => {}) });
    await expect(askPit(path, "workers", {}, 20)).rejects.toMatchObject({ code: "deadline_exceeded" });
  });
});

test("nobody else may open the socket", async () => {
  const state = temporaryFolder();
  const path = await served({}, state);
  expect(lstatSync(path).mode & 0o777).toBe(0o600);
  expect(lstatSync(join(state, "admin")).mode & 0o777).toBe(0o700);
});

test("there is no socket in a folder that others may enter, and the pit does without", async () => {
  const state = temporaryFolder();
  mkdirSync(join(state, "admin"), { mode: 0o755 });
  expect(await served({}, state)).toBe("");
  await using registry = await openIn(state);
  await registry.run(registry.host({ run: newRun(), pools: [], admin: idle }));
  expect(await hostsIn(state)).toMatchObject([{ socketPath: "" }]);
  await expect(askPit("", "workers")).rejects.toMatchObject({ code: "unavailable" });
});

test("a path that is too long for a socket is replaced by a short one, which is removed with the pit", async () => {
  const state = join(temporaryFolder(), "a".repeat(120));
  mkdirSync(state);
  let path = "";
  {
    await using registry = await openIn(state);
    await registry.run(registry.host({ run: newRun(), pools: [], admin: idle }));
    path = (await hostsIn(state))[0]?.socketPath ?? "";
    expect(path).not.toStartWith(state);
    expect(await askPit(path, "workers")).toEqual({ workers: [] });
  }
  expect(() => lstatSync(join(path, ".."))).toThrow("ENOENT");
  expect(readdirSync(state)).not.toContain("admin");
});
