import { afterAll, expect, test } from "bun:test";
import { type RunningProcess, startProcess } from "./process.ts";
import { hasEnvironment, listProcesses, processInfo, residentBytes, startTime, startTimeAtOnce } from "./process-info.ts";

const started: RunningProcess[] = [];
afterAll(() => {
  for (const process of started) process.kill("SIGKILL");
});

/** A process that sleeps. Its line says that it is no longer what it was forked from. */
async function sleeper(env: Readonly<Record<string, string>> = {}): Promise<number> {
  const said = Promise.withResolvers<void>();
  const child = await startProcess({
    command: "/bin/sh",
    args: ["-c", "echo ARGUMENT=1; sleep 60; :"],
    env: { PATH: "/usr/bin:/bin", ...env },
    onLine: () => said.resolve(),
  });
  started.push(child);
  await said.promise;
  return child.pid;
}

test("a process is known by its id, group and start time, which stays", async () => {
  const pid = await sleeper();
  const found = await processInfo(pid);
  expect(found).toEqual({ pid, group: pid, startTime: await startTime(pid), ended: false });
  expect(startTimeAtOnce(pid)).toBe(found?.startTime ?? "none");
  expect((await listProcesses()).find((listed) => listed.pid === pid)).toEqual(found);
  expect(await residentBytes(pid)).toBeGreaterThan(0);
});

test("its environment is what it was started with, not its arguments", async () => {
  const pid = await sleeper({ MARK: "12", LAST: "x y" });
  expect(await hasEnvironment(pid, "MARK=12")).toBeTrue();
  expect(await hasEnvironment(pid, "LAST=x y")).toBeTrue();
  expect(await hasEnvironment(pid, "MARK=1")).toBeFalse();
  expect(await hasEnvironment(pid, "ARK=12")).toBeFalse();
  expect(await hasEnvironment(pid, "ARGUMENT=1")).toBeFalse();
});

test("its environment is known at any moment, while it becomes another program too", async () => {
  const said = Promise.withResolvers<void>();
  // It never does anything else.
  const script = 'exec /bin/sh -c "$0" "$0"';
  const child = await startProcess({
    command: "/bin/sh",
    args: ["-c", `echo; ${script}`, script],
    env: { MARK: "12" },
    onLine: () => said.resolve(),
  });
  started.push(child);
  await said.promise;
  for (let looks = 0; looks < 2_000; looks++) expect(await hasEnvironment(child.pid, "MARK=12")).toBeTrue();
});

test("there is nothing to know of a process that is not there", async () => {
  const pid = 2 ** 22 + 1;
  expect([await processInfo(pid), await startTime(pid), startTimeAtOnce(pid), await residentBytes(pid)]).toEqual([undefined, "", "", 0]);
  expect(await hasEnvironment(pid, "PATH=/bin")).toBeFalse();
});
