/** Workers that do not react any more: who gives them up, when, and what is told of where they stood. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { kill } from "node:process";
import { Snakepit } from "../src/index.ts";
import { behaviour, failure, Lines, PROMPTLY_MS, temporaryFolder, toolFile, until } from "./pool.support.ts";

const lives = toolFile("lives");

describe("a worker that is killed because a tool ignored its cancel says where it stood", () => {
  for (const [what, tool, args, said] of [
    ["in C code that holds the global lock", "hold_global_lock", { count: 1e12 }, /lives\.py", line \d+ in hold_global_lock$/],
    ["waiting for a lock", "wait_for_lock", {}, /lives\.py", line \d+ in wait_for_lock$/],
  ] as const) {
    test(what, async () => {
      const lines = new Lines();
      await using pit = await Snakepit.open({ tools: [lives], workers: 1, graceMs: 300, onLog: lines.onLog });
      const stuck = failure(pit.execute(tool, args, { timeoutMs: 1_000 }));
      // It shares the worker, and is lost with it.
      const beside = failure(pit.execute("sleep_async", { seconds: 60 }));
      expect((await stuck)._tag).toBe("CallTimeout");
      const lost = await beside;
      expect(lost).toMatchObject({ _tag: "WorkerCrashed", signal: "SIGKILL", oom: false, retryable: true });
      expect(lost.message).toEndWith(
        "its last words: snakepit: killed, because a cancelled call has gone on past the grace period of 300 ms",
      );
      const stderr = lost.stderr as readonly string[];
      expect(stderr.some((line) => said.test(line))).toBe(true);
      expect(stderr.some((line) => line.startsWith("Current thread") || line.startsWith("Thread"))).toBe(true);
      expect(lines.events.some(({ text, source, worker }) => said.test(text) && source === "stderr" && worker === "default-1")).toBe(true);
      expect(await pit.execute<number>("pid")).toBeGreaterThan(0);
    }, 60_000);
  }
});

test("a worker that is not ready in time says where it stood", async () => {
  const path = join(temporaryFolder(), "endless.py");
  writeFileSync(path, "import time\n\n\ndef wait_for_ever():\n    time.sleep(600)\n\n\nwait_for_ever()\n");
  // Long enough to come as far as that on this machine, as it is now.
  const since = performance.now();
  await (await Snakepit.open({ tools: lives, workers: 1 })).close();
  const readyTimeoutMs = Math.max(1_000, 3 * (performance.now() - since));
  const error = await failure(Snakepit.open({ tools: path, workers: 1, readyTimeoutMs }));
  expect(error._tag).toBe("WorkerStartFailed");
  expect(error.stderr).toContainEqual(expect.stringMatching(/endless\.py", line 5 in wait_for_ever$/));
}, 60_000);

test("a worker that does not end in time says where it stood", async () => {
  const path = join(temporaryFolder(), "lasting.py");
  writeFileSync(
    path,
    "import time\nfrom snakepit import tool\n\n\nclass Lasting:\n    def __enter__(self):\n        return self\n\n    def __exit__(self, *_):\n        time.sleep(600)\n\n    @tool\n    def one(self) -> int:\n        return 1\n",
  );
  const lines = new Lines();
  const pit = await Snakepit.open({ tools: path, workers: 1, graceMs: 1_500, onLog: lines.onLog });
  expect(await pit.execute<number>("Lasting.one")).toBe(1);
  await pit.close();
  expect(lines.events.some(({ text }) => /lasting\.py", line 10 in __exit__$/.test(text))).toBe(true);
}, 60_000);

test("a worker that cannot even say where it stands is killed a moment later", async () => {
  await using pit = await Snakepit.open({ tools: lives, workers: 1, heartbeat: { intervalMs: 500, misses: 2 } });
  const [frozen] = await pit.workers();
  const at = performance.now();
  kill(frozen?.pid ?? 0, "SIGSTOP");
  await until(async () => (await pit.health()).pools["default"]?.live === 0);
  // It still takes calls, as far as anybody knows.
  expect(await pit.health()).toMatchObject({ status: "degraded", pools: { default: { ready: 1, live: 0 } } });
  await until(() => pit.stats().crashes === 1);
  expect(performance.now() - at).toBeLessThan(PROMPTLY_MS);
  await until(() => pit.stats().started === 2);
  const { pools } = await pit.health();
  expect(pools["default"]).toMatchObject({ ready: 1, live: 1 });
  expect(pools["default"]?.cause?.message).toContain("it has missed 2 heartbeats");
}, 60_000);

test("the heartbeat leaves a worker its grace period in which a cancelled tool holds the global lock", async () => {
  // As long as the test: the tool may compute for long where processors are short.
  const limits = { graceMs: 60_000, queueTimeoutMs: 60_000, timeoutMs: 60_000 };
  await using pit = await Snakepit.open({ tools: behaviour, workers: 1, ...limits, heartbeat: { intervalMs: 400, misses: 2 } });
  const before = await pit.execute<number>("pid");
  // A second and a half or more, in which several beats go by.
  const error = await failure(pit.execute("hold_lock", { count: 200_000_000 }, { timeoutMs: 100 }));
  expect(error._tag).toBe("CallTimeout");
  expect(await pit.execute<number>("pid")).toBe(before);
  expect(pit.stats()).toMatchObject({ started: 1, crashes: 0 });
}, 60_000);
