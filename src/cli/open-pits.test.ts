import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { processesOf, temporaryFolder, until } from "../../test/pool.support.ts";
import { endAll, startHost } from "../../test/registry.support.ts";
import { python, Sandbox } from "./cli.support.ts";

const sandbox = new Sandbox();
afterAll(() => {
  endAll();
  sandbox.remove();
});
const snakepit = (state: string, ...args: string[]) => sandbox.snakepit(args, { SNAKEPIT_STATE: state });

describe("with no pit open", () => {
  const state = join(temporaryFolder(), "state");
  test.each([
    [["workers"], "No pit is open."],
    [["workers", "--json"], "[]"],
    [["sessions"], "There are no sessions."],
    [["kill", "--stale"], "Nothing was left behind."],
    [["kill", "--stale", "--json"], "[]"],
  ])("%j says so, and makes no registry", async (args, said) => {
    expect(await snakepit(state, ...args)).toMatchObject({ exitCode: 0, stdout: said, stderr: "" });
    expect(existsSync(state)).toBeFalse();
  });

  test("there is nothing to look at", async () => {
    expect(await snakepit(state, "top", "--once")).toMatchObject({ exitCode: 1, stdout: "", stderr: "No pit is open." });
  });

  test("there is nothing to kill", async () => {
    expect(await snakepit(state, "kill", "main-1")).toMatchObject({ exitCode: 1, stdout: "", stderr: 'There is no worker "main-1".' });
  });

  test("kill has to be told what", async () => {
    const { exitCode, stderr } = await snakepit(state, "kill");
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: "Missing required argument: worker\nTry: snakepit kill --help" });
  });
});

test("workers and sessions of every pit are listed", async () => {
  const state = temporaryFolder();
  const one = await startHost(state, ["leader"]);
  const two = await startHost(state, ["leader", "leader"]);
  const { exitCode, stdout, stderr } = await snakepit(state, "workers");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout.split("\n").map((line) => line.split(/ {2,}/).filter((cell) => cell !== ""))).toEqual([
    ["worker", "pid", "pool", "status", "calls", "memory", "up", "host", "run"],
    ["main-0", String(one.pids[0]), "main", "ready", "3", "4.77 MB", "7 s", String(one.pid), one.run],
    ["main-0", String(two.pids[0]), "main", "ready", "3", "4.77 MB", "7 s", String(two.pid), two.run],
    ["main-1", String(two.pids[1]), "main", "ready", "3", "4.77 MB", "7 s", String(two.pid), two.run],
  ]);
  expect(JSON.parse((await snakepit(state, "workers", "--json")).stdout)).toMatchObject([
    { run: one.run, pid: one.pid, pools: ["main"], answers: true, workers: [{ id: "main-0", pid: one.pids[0] }] },
    { run: two.run, pid: two.pid, answers: true, workers: [{}, {}] },
  ]);
  expect((await snakepit(state, "sessions")).stdout).toContain("user-42");
  expect(JSON.parse((await snakepit(state, "sessions", "--json")).stdout)).toMatchObject([
    { run: one.run, answers: true, sessions: [{ id: "user-42", variables: 2, handles: 1 }] },
    { run: two.run },
  ]);
}, 60_000);

test("a worker is killed by its name, and by its run where the name is not enough", async () => {
  const state = temporaryFolder();
  const one = await startHost(state, ["leader", "leader"]);
  expect(await snakepit(state, "kill", "main-1")).toMatchObject({
    exitCode: 0,
    stdout: `Killed worker main-1 (process ${one.pids[1]}) of process ${one.pid}.`,
  });
  await until(() => processesOf(one.run).length === 1);
  const two = await startHost(state, ["leader"]);
  const several = await snakepit(state, "kill", "main-0");
  expect(several.exitCode).toBe(1);
  expect(several.stderr).toContain(`--run ${one.run} (process ${one.pid}), --run ${two.run} (process ${two.pid})`);
  expect(processesOf(two.run)).toHaveLength(1);
  const killed = await snakepit(state, "kill", "main-0", "--run", two.run, "--json");
  expect(killed.exitCode).toBe(0);
  expect(JSON.parse(killed.stdout)).toEqual([{ worker: "main-0", pids: two.pids, run: two.run, host: two.pid }]);
  await until(() => processesOf(two.run).length === 0);
  expect(processesOf(one.run)).toHaveLength(1);
}, 60_000);

test("a program that is stopped is named, and its workers can be killed all the same", async () => {
  const state = temporaryFolder();
  const host = await startHost(state, ["leader"]);
  process.kill(host.pid, "SIGSTOP");
  const { exitCode, stdout, stderr } = await snakepit(state, "workers");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/main-0 .* unknown /);
  expect(stderr).toContain(`Process ${host.pid} has a pit open, run ${host.run}, that cannot be asked: It does not answer within 2000 ms.`);
  expect(await snakepit(state, "kill", "main-0")).toMatchObject({ exitCode: 0 });
  await until(() => processesOf(host.run).length === 0);
  process.kill(host.pid, "SIGCONT");
}, 60_000);

test("doctor names what was left behind and the command that ends it, which says what it has ended", async () => {
  const state = temporaryFolder();
  const host = await startHost(state, ["leader", "family"]);
  expect(await snakepit(state, "doctor", "--python", python)).toMatchObject({ exitCode: 0 });
  await host.kill();
  const { exitCode, stdout } = await snakepit(state, "doctor", "--python", python);
  expect(exitCode).toBe(1);
  expect(stdout).toEndWith(
    [
      `Left running: worker main-0 (process ${host.pids[0]}) of process ${host.pid}`,
      `Left running: worker main-1 (process ${host.pids[1]}) of process ${host.pid}`,
      "snakepit kill --stale",
    ].join("\n"),
  );
  expect(processesOf(host.run)).toHaveLength(3);
  const killed = await snakepit(state, "kill", "--stale");
  expect(killed).toMatchObject({ exitCode: 0, stderr: "" });
  expect(killed.stdout.split("\n")).toEqual([0, 1].map((n) => `Killed worker main-${n} (process ${host.pids[n]}) of process ${host.pid}.`));
  await until(() => processesOf(host.run).length === 0);
}, 60_000);

test("a registry that is damaged is said, and left for the next pit to replace", async () => {
  const state = temporaryFolder();
  const file = join(state, "registry.sqlite");
  writeFileSync(file, "no database".repeat(1_000));
  const { exitCode, stdout, stderr } = await snakepit(state, "workers");
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "No pit is open." });
  expect(stderr).toContain(`The registry ${file} cannot be used`);
  expect(existsSync(file)).toBeTrue();
});
