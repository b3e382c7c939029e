/**
 * Each means by which nothing outlives a host that is killed, with all others taken away: the kernel's lifeline, the death signal, the end of the
 * connection, a guardian, the registry, the host that kills groups. Without any of them the worker lives on.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Snakepit } from "../src/index.ts";
import { isRunning, startTimeAtOnce } from "../src/runtime/process-info.ts";
import { killWorker } from "../src/testing.ts";
import { killAllWith, PROMPTLY_MS, temporaryFolder, toolFile, until } from "./pool.support.ts";
import { openIn } from "./registry.support.ts";

const means = ["lifeline", "pdeathsig", "eof"] as const;
type Means = (typeof means)[number];
const without = (only?: string): string => means.filter((one) => one !== only).join();
type Doing = "idle" | "loop" | "locked" | "unmet";
const what: Record<Doing, string> = {
  idle: "has nothing to do",
  loop: "is in a Python loop",
  locked: "is in C code that holds the interpreter lock",
  unmet: "has not met its host yet",
};

const hosts: ChildProcess[] = [];
const folders: string[] = [];
afterAll(() => {
  for (const host of hosts) host.kill("SIGKILL");
  for (const folder of folders) killAllWith(`SNAKEPIT_STATE=${folder}`);
});

/** A process that was seen alive, and is told from another with its pid. */
interface Seen {
  readonly pid: number;
  alive(): Promise<boolean>;
}

function see(pid: number): Seen {
  const startTime = startTimeAtOnce(pid);
  expect(startTime).not.toBe("");
  return { pid, alive: () => isRunning(pid, startTime) };
}

const gone = (seen: Seen): Promise<void> => until(async () => !(await seen.alive()));

/** Kills a host while one of its workers does something. */
async function killHost(
  doing: Doing,
  only?: Means | "guardian",
): Promise<{ state: string; killedAt: number; worker: Seen; child?: Seen; idle?: Seen }> {
  const state = temporaryFolder();
  folders.push(state);
  const program = fileURLToPath(new URL("programs/means-host.ts", import.meta.url));
  const containment = only === "guardian" ? "subreaper" : "group";
  const host = spawn(process.execPath, [program, doing, without(only), state, containment], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    env: { ...process.env, SNAKEPIT_STATE: state },
    stdio: ["ignore", "pipe", "inherit"],
  });
  hosts.push(host);
  const said: string[] = [];
  createInterface(host.stdout).on("line", (line) => said.push(line));
  const exited = once(host, "exit");
  let pids: number[];
  if (doing === "unmet") {
    const unmet = (): number[] => readdirSync(state).map(Number).filter(Number.isInteger);
    await until(() => unmet().length > 0);
    // The other pool's worker may have come too.
    pids = unmet().slice(0, 1);
  } else {
    await until(() => said.length === 2 || host.exitCode !== null);
    pids = JSON.parse(said.find((line) => line !== "busy") ?? "");
  }
  const [worker, child, idle] = pids.map(see);
  if (worker === undefined) throw new Error("there is no worker");
  const killedAt = performance.now();
  host.kill("SIGKILL");
  await exited;
  return { state, killedAt, worker, ...(child && { child }), ...(idle && { idle }) };
}

describe("alone, the kernel's lifeline ends the worker and what its tools have started", () => {
  for (const doing of ["idle", "loop", "locked"] as const) {
    test(`while it ${what[doing]}`, async () => {
      const { killedAt, worker, child, idle } = await killHost(doing, "lifeline");
      for (const seen of [worker, child, idle]) if (seen !== undefined) await gone(seen);
      expect(performance.now() - killedAt).toBeLessThan(PROMPTLY_MS);
    }, 60_000);
  }
});

describe("alone, a guardian ends the worker and what its tools have started", () => {
  for (const doing of ["unmet", "idle", "loop", "locked"] as const) {
    test(`while it ${what[doing]}`, async () => {
      const { killedAt, worker, child } = await killHost(doing, "guardian");
      for (const seen of [worker, child]) if (seen !== undefined) await gone(seen);
      expect(performance.now() - killedAt).toBeLessThan(PROMPTLY_MS);
    }, 60_000);
  }
});

describe("alone, the death signal ends the worker, not what its tools have started", () => {
  for (const doing of ["unmet", "idle", "loop", "locked"] as const) {
    test(`while it ${what[doing]}`, async () => {
      const { killedAt, worker, child } = await killHost(doing, "pdeathsig");
      await gone(worker);
      expect(performance.now() - killedAt).toBeLessThan(PROMPTLY_MS);
      if (child !== undefined) expect(await child.alive()).toBe(true);
    }, 60_000);
  }
});

describe("alone, the end of the connection ends the worker, not what its tools have started", () => {
  for (const doing of ["unmet", "idle", "loop"] as const) {
    test(`while it ${what[doing]}`, async () => {
      const { killedAt, worker, child } = await killHost(doing, "eof");
      await gone(worker);
      expect(performance.now() - killedAt).toBeLessThan(PROMPTLY_MS);
      if (child !== undefined) expect(await child.alive()).toBe(true);
    }, 60_000);
  }

  test(`not before it has left C code that holds the interpreter lock`, async () => {
    const { state, worker, idle } = await killHost("locked", "eof");
    if (idle !== undefined) await gone(idle);
    expect(await worker.alive()).toBe(true);
    writeFileSync(join(state, "fifo"), "x");
    await gone(worker);
  }, 60_000);
});

describe("without any of them the worker lives on, until the next host ends it by the registry", () => {
  for (const doing of ["unmet", "idle", "loop", "locked"] as const) {
    test(`while it ${what[doing]}`, async () => {
      const { state, worker, child } = await killHost(doing);
      await using registry = await openIn(state);
      const swept = await registry.run(registry.sweep);
      expect(swept.flatMap(({ targets }) => targets)).toContain(-worker.pid);
      await gone(worker);
      if (child !== undefined) await gone(child);
    }, 60_000);
  }
});

test("alone, the host ends what tools have started when their worker has died", async () => {
  await using pit = await Snakepit.open({
    tools: toolFile("daemons"),
    workers: 1,
    env: { PYTHONPATH: fileURLToPath(new URL("tools/means", import.meta.url)), TEST_WITHOUT: without() },
  });
  const child = see(await pit.execute<number>("child"));
  await killWorker(pit);
  await gone(child);
});
