/** Workers that cannot start, that freeze, and pools that stay broken. */
import { expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env, kill } from "node:process";
import { Effect } from "effect";
import { Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { behaviour, failure, processesOf, temporaryFolder, until } from "./pool.support.ts";

const tool = "from snakepit import tool\n\n\n@tool\ndef one() -> int:\n    return 1\n";

/** A file of tools that can be changed while a pool runs. */
function changeable(text: string): { path: string; change(text: string): void } {
  const path = join(temporaryFolder(), "changing.py");
  const change = (to: string): void => writeFileSync(path, to);
  change(text);
  return { path, change };
}

test("a frozen worker that does nothing is found by its heartbeat and replaced", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  const run = await pit.execute<string>("environment", { name: "SNAKEPIT_RUN" });
  const [frozen] = await pit.workers();
  kill(frozen?.pid ?? 0, "SIGSTOP");
  await until(() => pit.stats().started === 2);
  expect(await pit.execute<number>("square", { n: 3 })).toBe(9);
  expect(processesOf(run)).not.toContain(frozen?.pid);
}, 60_000);

test("ready waits for the replacement of a worker that was lost", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2 });
  await pit.ready();
  const [lost] = await pit.workers();
  kill(lost?.pid ?? 0, "SIGKILL");
  await until(() => pit.stats().crashes === 1);
  await pit.ready();
  expect(pit.stats()).toMatchObject({ ready: 2, started: 3 });
  expect((await pit.workers()).map(({ status }) => status)).toEqual(["ready", "ready"]);
});

test("a replacement that cannot import its tools is not tried again, and calls fail with the import error", async () => {
  const { path, change } = changeable(tool);
  await using pit = await Snakepit.open({ tools: path, workers: 1 });
  expect(await pit.execute<number>("one")).toBe(1);
  change("import nothing_of_this_name\n");
  await killWorker(pit);
  await until(async () => (await pit.workers())[0]?.status === "stopped");
  expect(await failure(pit.execute("one"))).toMatchObject({ _tag: "WorkerStartFailed", type: "ModuleNotFoundError" });
  expect(await pit.health()).toMatchObject({ status: "unhealthy", pools: { default: { ready: 0, cause: { _tag: "WorkerStartFailed" } } } });
  expect(pit.stats().started).toBe(1);
});

test("starts that fail again and again make the pool unhealthy, and calls fail at once with the last cause", async () => {
  const { path, change } = changeable(tool);
  await using pit = await Snakepit.open({ tools: path, workers: 1 });
  await pit.execute("one");
  change("import os, sys\nprint('no luck', file=sys.stderr)\nsys.stderr.flush()\nos._exit(7)\n");
  await killWorker(pit);
  await until(() => pit.stats().ready === 0);
  const waiting = await failure(pit.execute("one"));
  expect(waiting._tag).toBe("WorkerStartFailed");
  expect(waiting.message).toContain("exit code 7");
  expect((await pit.health()).status).toBe("unhealthy");
  expect((await failure(pit.execute("one")))._tag).toBe("WorkerStartFailed");
}, 60_000);

test("workers that somebody kills while they are new do not make a pool unhealthy whose calls succeed", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 2 });
  await pit.ready();
  const [kept] = await pit.workers();
  let over = false;
  const load = (async () => {
    while (!over) await pit.execute("square", { n: 2 }, { retry: "always" });
  })();
  // Of calls one after the other the first of the idle workers gets all, so the other one never finishes one.
  for (let n = 1; n <= 6; n++) {
    await pit.ready();
    const other = (await pit.workers()).find(({ id, status }) => id !== kept?.id && status !== "starting");
    await killWorker(pit, other?.id);
    await until(() => pit.stats().crashes === n);
  }
  await pit.ready();
  over = true;
  await load;
  expect(await pit.health()).toMatchObject({ status: "healthy" });
  expect(pit.stats()).toMatchObject({ crashes: 6, started: 8, ready: 2 });
}, 60_000);

test("workers that die before they have ended a call make the pool unhealthy, and calls that none has seen may be sent again", async () => {
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  for (let n = 1; n <= 5; n++) {
    await until(() => pit.stats().started === n && pit.stats().ready === 1);
    await killWorker(pit);
  }
  await until(() => pit.stats().crashes === 5);
  expect(await failure(pit.execute("pid"))).toMatchObject({ _tag: "WorkerCrashed", signal: "SIGKILL", attempts: 0, retryable: true });
  expect((await pit.health()).status).toBe("unhealthy");
}, 60_000);

test("the other workers of a pool go on while one cannot be replaced", async () => {
  const { path, change } = changeable(tool);
  await using pit = await Snakepit.open({ tools: path, workers: 2 });
  await pit.ready();
  change("1 / 0\n");
  await killWorker(pit);
  await until(async () => (await pit.workers()).some((worker) => worker.status === "stopped"));
  expect(await pit.execute<number>("one")).toBe(1);
  expect((await pit.health()).status).toBe("degraded");
});

test("a tool file that is gone is told like one that cannot be imported", async () => {
  const { path } = changeable(tool);
  await using pit = await Snakepit.open({ tools: path, workers: 1 });
  rmSync(path);
  await killWorker(pit);
  await until(async () => (await pit.workers())[0]?.status === "stopped");
  expect((await failure(pit.execute("one"))).message).toContain("changing.py");
});

test("an interpreter that cannot be run fails the start with its name", async () => {
  const error = await failure(Snakepit.open({ tools: behaviour, python: "/no/such/python" }));
  expect(error._tag).toBe("PythonNotFound");
  expect(error.message).toContain("/no/such/python");
});

test("a folder for temporary files that cannot be used fails the start with its name", async () => {
  const { TMPDIR } = env;
  env["TMPDIR"] = "/no/such/folder";
  try {
    const error = await failure(Snakepit.open({ tools: behaviour }));
    expect(error._tag).toBe("WorkerStartFailed");
    expect(error.message).toContain("/no/such/folder");
  } finally {
    if (TMPDIR === undefined) delete env["TMPDIR"];
    else env["TMPDIR"] = TMPDIR;
  }
});

test("an adapter that throws fails the start with what it threw", async () => {
  const thrown = new TypeError("no process today");
  const launch = {
    spawn() {
      throw thrown;
    },
    connect: () => Effect.never,
  };
  const adapter = { name: "broken", streaming: true, prepare: () => Effect.succeed(launch) };
  const error = await failure(Snakepit.open({ tools: behaviour, adapter }));
  expect(error).toMatchObject({ _tag: "WorkerStartFailed", cause: thrown });
  expect(error.message).toContain("no process today");
});
