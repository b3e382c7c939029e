/** What ends with a worker although it has left the worker's process group, and that a guardian changes nothing else. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { findControlGroups } from "../src/adapter/control-group.ts";
import { type OpenOptions, Snakepit } from "../src/index.ts";
import { failure, killAllWith, Lines, PROMPTLY_MS, processesWith, temporaryFolder, toolFile, until } from "./pool.support.ts";
import { runtimes } from "./registry.support.ts";

setDefaultTimeout(60_000);
const tools = toolFile("daemons");
const groups = await findControlGroups();
const missing = "missing" in groups ? groups.missing : undefined;
const hosts: ChildProcess[] = [];
const markers: string[] = [];
afterAll(() => {
  for (const host of hosts) host.kill("SIGKILL");
  for (const marker of markers) killAllWith(marker);
});

/** A pit whose processes can be told by their environment. */
async function open(options: OpenOptions): Promise<{ pit: Snakepit; left: () => number[] } & AsyncDisposable> {
  const name = `CONTAINMENT_MARKER=${randomUUID()}`;
  markers.push(name);
  const [key = "", value = ""] = name.split("=");
  const pit = await Snakepit.open({ tools, workers: 1, env: { [key]: value }, onLog: () => {}, ...options });
  return { pit, left: () => processesWith(name), [Symbol.asyncDispose]: () => pit.close() };
}

const statOf = (pid: number): string[] => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
const parentOf = (pid: number): number => Number(statOf(pid)[1]);

describe("group", () => {
  test("leaves what has left the worker's group", async () => {
    const opened = await open({});
    const daemon = await opened.pit.execute<number>("daemon");
    const child = await opened.pit.execute<number>("child");
    await opened.pit.close();
    await until(() => !opened.left().includes(child));
    expect(opened.left()).toEqual([daemon]);
  });

  test("says how a worker crashed although a daemon holds its output open", async () => {
    await using opened = await open({ retry: "never" });
    await opened.pit.execute("daemon");
    expect(await failure(opened.pit.execute("crash", { how: "7" }))).toMatchObject({ _tag: "WorkerCrashed", exitCode: 7 });
  });
});

test("is one of three", async () => {
  // What plain JavaScript may give.
  const containment = "tight" as "group";
  const error = await failure(Snakepit.open({ tools, containment }));
  expect(error).toMatchObject({ _tag: "InvalidOptions", option: "containment" });
  expect(error.message).toContain('"group", "subreaper" or "cgroup"');
});

test.skipIf(missing === undefined)("refuses cgroup where it cannot be had, and says what is missing", async () => {
  const error = await failure(Snakepit.open({ tools, containment: "cgroup" }));
  expect(error).toMatchObject({ _tag: "InvalidOptions", option: "containment" });
  expect(error.message).toContain(missing ?? "");
});

for (const containment of ["subreaper", "cgroup"] as const) {
  const skipped = containment === "cgroup" && missing !== undefined;
  describe.skipIf(skipped)(skipped ? `${containment} (skipped: ${missing})` : containment, () => {
    test("ends daemons when the pool closes", async () => {
      const { pit, left } = await open({ containment });
      await pit.execute("daemon");
      await pit.execute("family");
      // The worker, its guardian, the daemon, and a family of six.
      await until(() => left().length === 9);
      await pit.close();
      expect(left()).toEqual([]);
    });

    for (const [how, end] of [
      ["7", { exitCode: 7, signal: null }],
      ["0", { exitCode: 0, signal: null }],
      ["SIGSEGV", { exitCode: null, signal: "SIGSEGV" }],
      ["SIGKILL", { exitCode: null, signal: "SIGKILL" }],
    ] as const) {
      test(`ends daemons when the worker crashes, and says how it did: ${how}`, async () => {
        await using opened = await open({ containment, retry: "never" });
        const { pit, left } = opened;
        const daemon = await pit.execute<number>("daemon");
        await pit.execute("family");
        expect(await failure(pit.execute("crash", { how }))).toMatchObject({ _tag: "WorkerCrashed", oom: false, ...end });
        expect(left()).not.toContain(daemon);
        // The next worker and its guardian.
        await pit.execute("pid");
        expect(left()).toHaveLength(2);
      });
    }

    for (const doing of ["idle", "locked"] as const) {
      for (const [name, [command, ...args]] of Object.entries(runtimes)) {
        test(`ends daemons when ${name} is killed while the worker is ${doing === "idle" ? "idle" : "in C code"}`, async () => {
          const marker = `CONTAINMENT_MARKER=${randomUUID()}`;
          markers.push(marker);
          const program = fileURLToPath(new URL("programs/contained-host.ts", import.meta.url));
          const host = spawn(command, [...args, program, containment, doing, temporaryFolder()], {
            cwd: fileURLToPath(new URL("..", import.meta.url)),
            env: { ...process.env, CONTAINMENT_MARKER: marker.split("=")[1] },
            stdio: ["ignore", "pipe", "inherit"],
          });
          hosts.push(host);
          const exited = once(host, "exit");
          let said = "";
          host.stdout.on("data", (data) => {
            said += data;
          });
          await until(() => said !== "" || host.exitCode !== null);
          await until(() => processesWith(marker).length === 10);
          const killed = performance.now();
          host.kill("SIGKILL");
          await exited;
          await until(() => processesWith(marker).length === 0);
          expect(performance.now() - killed).toBeLessThan(PROMPTLY_MS);
        });
      }
    }

    test("cancels, looks at, and names the worker, not its guardian", async () => {
      const lines = new Lines();
      await using opened = await open({ containment, onLog: lines.onLog });
      const { pit, left } = opened;
      const pid = await pit.execute<number>("pid");
      const [worker] = await pit.workers();
      expect(worker?.pid).toBe(pid);
      const guardian = left().find((found) => found !== pid) ?? 0;
      expect(parentOf(pid)).toBe(guardian);
      const resident = (of: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${of}/status`, "utf8"))?.[1]) * 1024;
      expect(Math.abs((worker?.memoryBytes ?? 0) - resident(pid))).toBeLessThan(Math.abs((worker?.memoryBytes ?? 0) - resident(guardian)));
      const call = new AbortController();
      const napping = failure(pit.execute("nap", { seconds: 600 }, { signal: call.signal }));
      await lines.said("nap");
      call.abort();
      expect(await napping).toMatchObject({ _tag: "Cancelled" });
      // The same worker is free again: it was interrupted, not killed.
      expect(await pit.execute<number>("pid")).toBe(pid);
    });

    test("ends what starts the next process and ends before it can be killed", async () => {
      const { pit, left } = await open({ containment });
      await pit.execute("comet");
      await pit.close();
      expect(left()).toEqual([]);
    });

    test("shows where a stuck worker is", async () => {
      const lines = new Lines();
      await using opened = await open({ containment, tools: toolFile("lives"), graceMs: 100, onLog: lines.onLog });
      const { pit } = opened;
      const error = await failure(pit.execute("hold_global_lock", { count: 1e12 }, { timeoutMs: 1_000 }));
      expect(error._tag).toBe("CallTimeout");
      const shown = () => lines.events.filter(({ text }) => /lives\.py", line \d+ in hold_global_lock$/.test(text));
      await until(() => pit.stats().started === 2 && shown().length > 0);
      expect(shown()).toHaveLength(1);
      expect(shown()[0]).toMatchObject({ worker: "default-1", source: "stderr" });
    });

    test("keeps nothing of daemons that have ended", async () => {
      await using opened = await open({ containment });
      const { pit } = opened;
      await pit.execute("short_lived", { count: 20 });
      const guardian = parentOf(await pit.execute<number>("pid"));
      const children = (): string[] => readFileSync(`/proc/${guardian}/task/${guardian}/children`, "utf8").trim().split(" ");
      await until(() => children().length === 1);
    });

    test(`ends with its worker, ${containment === "cgroup" ? "and" : "not"} its daemons, when the guardian is killed`, async () => {
      await using opened = await open({ containment, retry: "never" });
      const { pit, left } = opened;
      const daemon = await pit.execute<number>("daemon");
      const child = await pit.execute<number>("child");
      const pid = await pit.execute<number>("pid");
      process.kill(parentOf(pid), "SIGKILL");
      await until(() => !left().includes(pid) && !left().includes(child) && pit.stats().started === 2);
      if (containment === "cgroup") await until(() => !left().includes(daemon));
      else expect(left()).toContain(daemon);
      expect(await pit.execute<number>("pid")).not.toBe(pid);
    });

    test("closes although somebody has stopped the guardian", async () => {
      const { pit, left } = await open({ containment, graceMs: 100 });
      await pit.execute("daemon");
      process.kill(parentOf(await pit.execute<number>("pid")), "SIGSTOP");
      await pit.close();
      expect(left()).toEqual([]);
    });

    test("ends all when the guardian is asked to end", async () => {
      await using opened = await open({ containment, retry: "never" });
      const { pit, left } = opened;
      const daemon = await pit.execute<number>("daemon");
      process.kill(parentOf(await pit.execute<number>("pid")), "SIGTERM");
      await until(() => !left().includes(daemon) && pit.stats().started === 2);
      expect(await pit.execute<number>("parent")).toBeGreaterThan(0);
    });

    test("is not to be had together with preload", async () => {
      const error = await failure(Snakepit.open({ tools, workers: 1, containment, preload: "tools" }));
      expect(error).toMatchObject({ _tag: "InvalidOptions", option: "containment" });
      expect(error.message).toContain("preload");
    });
  });
}
