/** New code in place of the old, while calls go on. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Effect, Fiber } from "effect";
import { Pool } from "../src/effect.ts";
import { type PitEvent, Snakepit } from "../src/index.ts";
import { watchTools } from "../src/pool/tool-watch.ts";
import { openRegistry } from "../src/registry/registry.ts";
import { killWorker } from "../src/testing.ts";
import { behaviour, failure, Lines, temporaryFolder, until } from "./pool.support.ts";

/** A file of tools in which `answer` gives this. */
const answering = (answer: number, more = ""): string =>
  `from snakepit import Session, tool\n\n\n@tool\ndef answer() -> int:\n    return ${answer}\n\n\n@tool\ndef recall(session: Session) -> int:\n    return session.get_variable("value")\n${more}`;

function changeable(text: string): { path: string; change(text: string): void } {
  const path = join(temporaryFolder(), "changing.py");
  const change = (to: string): void => writeFileSync(path, to);
  change(text);
  return { path, change };
}

for (const preload of [undefined, "tools"] as const) {
  describe(preload === undefined ? "spawned workers" : "forked workers", () => {
    test("are replaced by ones with the new code, sessions move, and no call fails", async () => {
      const { path, change } = changeable(answering(1));
      const events: PitEvent[] = [];
      await using pit = await Snakepit.open({ tools: path, preload, workers: 2, onEvent: (event) => events.push(event) });
      await pit.ready();
      const session = await pit.session("kept");
      await session.variables.register("value", { type: "integer", value: 7 });
      await session.execute("recall");
      const old = new Set((await pit.workers()).map(({ pid }) => pid));
      let isOver = false;
      const caller = async (): Promise<void> => {
        while (!isOver) {
          expect([1, 22]).toContain(await pit.execute<number>("answer"));
          expect(await session.execute<number>("recall")).toBe(7);
        }
      };
      const callers = Promise.all(Array.from({ length: 16 }, caller));
      change(answering(22, "\n\n@tool\ndef added() -> str:\n    return 'new'\n"));
      await pit.reload();
      const fresh = (await pit.workers()).filter(({ status }) => status !== "draining");
      for (let n = 0; n < 20; n++) expect(await pit.execute<number>("answer")).toBe(22);
      isOver = true;
      await callers;
      expect(fresh).toHaveLength(2);
      expect(fresh.some(({ pid }) => old.has(pid))).toBe(false);
      expect(await pit.execute<string>("added")).toBe("new");
      expect(events.some(({ type }) => type === "session.moved")).toBe(true);
      expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0, retried: 0 });
    }, 60_000);

    test("stay when the new code does not load, and the import error is told; mended code is taken up", async () => {
      const { path, change } = changeable(answering(1));
      await using pit = await Snakepit.open({ tools: path, preload, workers: 2 });
      await pit.ready();
      const before = (await pit.workers()).map(({ pid }) => pid);
      change("import nothing_of_this_name\n");
      expect(await failure(pit.reload())).toMatchObject({ _tag: "WorkerStartFailed", type: "ModuleNotFoundError" });
      expect((await pit.workers()).map(({ pid }) => pid)).toEqual(before);
      expect(await pit.execute<number>("answer")).toBe(1);
      expect((await pit.health()).status).toBe("healthy");
      change(answering(333));
      await pit.reload();
      expect(await pit.execute<number>("answer")).toBe(333);
    }, 60_000);
  });
}

test("a pool that was given up works again after a reload of mended code", async () => {
  const { path, change } = changeable(answering(1));
  await using pit = await Snakepit.open({ tools: path, workers: 1 });
  change("1 / 0\n");
  await killWorker(pit);
  await until(async () => (await pit.workers())[0]?.status === "stopped");
  change(answering(22));
  await pit.reload();
  expect(await pit.execute<number>("answer")).toBe(22);
  expect(await pit.health()).toMatchObject({ status: "healthy", pools: { default: { cause: undefined } } });
}, 60_000);

test("a pool that had become unhealthy is healthy after a reload", async () => {
  const { path, change } = changeable(answering(1));
  await using pit = await Snakepit.open({ tools: path, workers: 1 });
  await pit.execute("answer");
  change("import os\nos._exit(7)\n");
  await killWorker(pit);
  await until(async () => (await pit.health()).status === "unhealthy" && pit.stats().ready === 0);
  expect((await failure(pit.execute("answer")))._tag).toBe("WorkerStartFailed");
  change(answering(22));
  await pit.reload();
  expect(await pit.execute<number>("answer")).toBe(22);
  expect((await pit.health()).status).toBe("healthy");
}, 60_000);

test("reloading twice at once ends with the newest code", async () => {
  const { path, change } = changeable(answering(1));
  await using pit = await Snakepit.open({ tools: path, workers: 1 });
  const first = pit.reload();
  change(answering(22));
  await Promise.all([first, pit.reload()]);
  expect(await pit.execute<number>("answer")).toBe(22);
  expect((await pit.workers()).filter(({ status }) => status !== "draining")).toHaveLength(1);
}, 60_000);

test("a closed pit does not reload", async () => {
  const pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  await pit.close();
  expect((await failure(pit.reload()))._tag).toBe("PoolClosed");
});

test("an effect reloads, and its error channel has the import error", async () => {
  const { path, change } = changeable(answering(1));
  const program = Effect.gen(function* () {
    const pool = yield* Pool.Pool;
    change(answering(22));
    yield* pool.reload;
    expect(yield* pool.execute<number>("answer")).toBe(22);
    change("1 / 0\n");
    expect(yield* Effect.flip(pool.reload)).toMatchObject({ _tag: "WorkerStartFailed", type: "ZeroDivisionError" });
    expect(yield* pool.execute<number>("answer")).toBe(22);
  });
  await Effect.runPromise(program.pipe(Effect.provide(Pool.layer({ tools: path, workers: 1 }))));
}, 60_000);

test("a reload that is interrupted leaves the workers that there are", async () => {
  const { path, change } = changeable(answering(1));
  const program = Effect.gen(function* () {
    const pool = yield* Pool.Pool;
    change(`import time\ntime.sleep(60)\n${answering(22)}`);
    const reloading = yield* Effect.forkChild(pool.reload);
    yield* Effect.promise(() => until(async () => (await Effect.runPromise(pool.workers)).length === 2));
    yield* Fiber.interrupt(reloading);
    expect((yield* pool.workers).map(({ status }) => status)).toEqual(["ready"]);
    expect(yield* pool.execute<number>("answer")).toBe(1);
    change(answering(333));
    yield* pool.reload;
    expect(yield* pool.execute<number>("answer")).toBe(333);
  });
  await Effect.runPromise(program.pipe(Effect.provide(Pool.layer({ tools: path, workers: 1 }))));
}, 60_000);

test("closing ends a reload", async () => {
  const { path, change } = changeable(answering(1));
  const pit = await Snakepit.open({ tools: path, workers: 1 });
  change("import time\ntime.sleep(60)\n");
  const reloading = failure(pit.reload());
  await until(async () => (await pit.workers()).length === 2);
  await pit.close();
  expect((await reloading)._tag).toBe("PoolClosed");
}, 60_000);

test("with reload a changed file is taken up, a broken one is told, and the workers go on", async () => {
  const { path, change } = changeable(answering(1));
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools: path, workers: 1, reload: true, onLog: lines.onLog });
  expect(await pit.execute<number>("answer")).toBe(1);
  // Of the same size, within the same second.
  change(answering(2));
  await until(async () => (await pit.execute<number>("answer")) === 2);
  await until(() => lines.events.some(({ text }) => /^Reloaded in \d+ ms\.$/.test(text)));
  expect(lines.count("Reloading: changing.py changed.")).toBe(1);
  change("import nothing_of_this_name\n");
  await until(() => lines.events.some(({ text }) => text.startsWith("Not reloaded:")));
  expect(lines.events.find(({ text }) => text.startsWith("Not reloaded:"))).toMatchObject({
    level: "error",
    text: expect.stringContaining("import nothing_of_this_name"),
  });
  expect(await pit.execute<number>("answer")).toBe(2);
  change(answering(3));
  await until(async () => (await pit.execute<number>("answer")) === 3);
  expect(pit.stats()).toMatchObject({ failed: 0, crashes: 0 });
}, 60_000);

test("a folder that cannot be watched is named, and the pool works all the same", async () => {
  const blind: string[] = [];
  await Effect.runPromise(
    Effect.scoped(watchTools(["/no/such/folder/tools.py", "a.module"], { onChange() {}, onBlind: (folder) => blind.push(folder) })),
  );
  expect(blind).toEqual(["/no/such/folder"]);
});

test("fork servers are written down in the registry, each generation for as long as it lives", async () => {
  const { SNAKEPIT_STATE } = process.env;
  process.env["SNAKEPIT_STATE"] = temporaryFolder();
  try {
    const { path, change } = changeable(answering(1));
    await using pit = await Snakepit.open({ tools: path, preload: "tools", workers: 1 });
    const written = () => Effect.runPromise(Effect.scoped(Effect.flatMap(openRegistry({ existing: true }), ({ hosts }) => hosts)));
    const servers = async () => (await written()).flatMap(({ processes }) => processes).filter(({ kind }) => kind === "fork server");
    const [first] = await servers();
    expect(first).toMatchObject({ pool: "default", id: "default (fork server 1)" });
    expect(first?.pid).toBeGreaterThan(0);
    change(answering(22));
    await pit.reload();
    await until(async () => (await servers()).every(({ id }) => id === "default (fork server 2)"));
    expect(await servers()).toHaveLength(1);
  } finally {
    if (SNAKEPIT_STATE === undefined) delete process.env["SNAKEPIT_STATE"];
    else process.env["SNAKEPIT_STATE"] = SNAKEPIT_STATE;
  }
}, 60_000);
