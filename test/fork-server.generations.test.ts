/** The lives of fork servers: one a generation of code, and none after their host. */
import { afterAll, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execPath, kill } from "node:process";
import { fileURLToPath } from "node:url";
import { Effect, Fiber, type Scope } from "effect";
import { python } from "../src/adapter/python.ts";
import type { SnakepitError } from "../src/errors/index.ts";
import type { Launch } from "../src/worker/launch.ts";
import { startWorker, type Worker, type WorkerSpec } from "../src/worker/worker.ts";
import { PROMPTLY_MS, processesWith, temporaryFolder, until } from "./pool.support.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
});

const alive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};
const parentOf = (pid: number): number => Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);

/** Processes that are written down, and not forgotten. */
const records = new Map<string, number>();
const recorded: WorkerSpec["record"] = ({ id }) => {
  records.set(id, 0);
  return { started: (pid) => records.set(id, pid), forget: () => records.delete(id) };
};

/** Starts the workers of one launch, of tools that lie in `file`. */
async function withWorkers(
  file: string,
  use: (launch: Launch, start: () => Effect.Effect<Worker, SnakepitError, Scope.Scope>) => Effect.Effect<void, SnakepitError, Scope.Scope>,
): Promise<void> {
  let count = 0;
  const spec = (): WorkerSpec => ({
    workerId: `w${++count}`,
    pool: "p",
    tools: [file],
    threads: 1,
    env: {},
    limits: { maxMessageBytes: 2 ** 26, maxBufferBytes: 2 ** 30, streamWindowBytes: 2 ** 20 },
    handlers: {},
    record: () => ({ started() {}, forget() {} }),
    heartbeat: { intervalMs: 1_000, misses: 3 },
    readyTimeoutMs: 60_000,
    graceMs: 2_000,
  });
  const events = { onLog() {}, onLine() {}, onGoing() {} };
  const prepared = python.prepare({ pool: "p", python: undefined, preload: "tools", record: recorded, onProgress() {} });
  await Effect.runPromise(
    prepared.pipe(
      Effect.flatMap((launch) => use(launch, () => Effect.suspend(() => startWorker(launch, spec(), events)))),
      Effect.scoped,
    ),
  );
}

/** A file of tools of one name, which takes the place of what was there. */
const write = (file: string, tool: string): void =>
  writeFileSync(file, `from snakepit import tool\n@tool\ndef ${tool}() -> int:\n    return 1\n`);
const toolsOf = (worker: Worker): string[] => worker.connection.hello.tools.map(({ name }) => name);

test("new code has a new server, and the old one lives until its last worker has ended", async () => {
  const file = join(temporaryFolder(), "changing.py");
  write(file, "old");
  await withWorkers(
    file,
    Effect.fnUntraced(function* (launch, start) {
      const [kept, ended] = [yield* start(), yield* start()];
      const [oldServer, again] = [parentOf(kept.pid), parentOf(ended.pid)];
      expect(again).toBe(oldServer);
      expect(kept.startedBy).toBe("fork");
      write(file, "renewed");
      expect(toolsOf(yield* start())).toEqual(["old"]);
      launch.renew?.();
      const next = yield* start();
      expect([...records]).toContainEqual(["p (fork server 1)", oldServer]);
      expect([...records]).toContainEqual(["p (fork server 2)", parentOf(next.pid)]);
      expect(toolsOf(next)).toEqual(["renewed"]);
      expect(parentOf(next.pid)).not.toBe(oldServer);
      ended.kill();
      yield* Effect.promise(() => ended.ended);
      expect(alive(oldServer)).toBe(true);
      expect(alive(kept.pid)).toBe(true);
    }),
  );
  expect([...records]).toEqual([]);
});

test("an old server ends with its last worker", async () => {
  const file = join(temporaryFolder(), "changing.py");
  write(file, "old");
  await withWorkers(
    file,
    Effect.fnUntraced(function* (launch, start) {
      const last = yield* start();
      const server = parentOf(last.pid);
      launch.renew?.();
      expect(alive(server)).toBe(true);
      last.kill();
      const end = yield* Effect.promise(() => last.ended);
      expect(end.error(1, false)).toMatchObject({ signal: "SIGKILL" });
      yield* Effect.promise(() => until(() => !alive(server)));
    }),
  );
});

test("new code that comes while a worker is being started is in it", async () => {
  const file = join(temporaryFolder(), "changing.py");
  write(file, "old");
  await withWorkers(
    file,
    Effect.fnUntraced(function* (launch, start) {
      const starting = yield* Effect.forkChild(start());
      yield* Effect.yieldNow;
      write(file, "renewed");
      launch.renew?.();
      expect(toolsOf(yield* Fiber.join(starting))).toEqual(["renewed"]);
    }),
  );
});

test("new code that is safe to fork is forked, after code that was not", async () => {
  const file = join(temporaryFolder(), "changing.py");
  writeFileSync(
    file,
    "import threading\nfrom snakepit import tool\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n@tool\ndef old() -> int:\n    return 1\n",
  );
  await withWorkers(
    file,
    Effect.fnUntraced(function* (launch, start) {
      expect((yield* start()).startedBy).toBe("spawn");
      expect(launch.spawnReason).toContain("Python thread");
      write(file, "renewed");
      launch.renew?.();
      expect((yield* start()).startedBy).toBe("fork");
      expect(launch.spawnReason).toBeUndefined();
    }),
  );
});

for (const how of ["SIGKILL", "exit"] as const) {
  test(`nothing is left of a host ended by ${how} while its forked workers compute in C code`, async () => {
    const marker = `HOST_MARKER=${randomUUID()}`;
    const folder = temporaryFolder();
    const child = spawn(execPath, [join(root, "test", "programs", "killed-fork-host.ts"), how], {
      cwd: root,
      env: { ...process.env, TMPDIR: folder, HOST_MARKER: marker.slice("HOST_MARKER=".length) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    started.push(child);
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data) => {
        said += data;
      });
    }
    const exited = once(child, "exit");
    if (how === "SIGKILL") {
      await until(() => (said.includes("ready") && said.split("computes").length === 3) || child.exitCode !== null);
      // The host, its server, two workers, three children of theirs, and the process that waits for the next order.
      await until(() => processesWith(marker).length === 8);
      kill(child.pid!, "SIGKILL");
    }
    await exited;
    const ended = performance.now();
    await until(() => processesWith(marker).length === 0);
    expect(performance.now() - ended).toBeLessThan(PROMPTLY_MS);
    // What it has said may be heard later than that it has ended.
    await until(() => said.includes("ready"));
    expect(readdirSync(folder).filter((name) => name.startsWith("snakepit"))).toEqual([]);
  });
}
