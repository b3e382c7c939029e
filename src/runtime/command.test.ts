import { expect, test } from "bun:test";
import { runCommand } from "./command.ts";

test("a command gives what it wrote and its exit code", async () => {
  expect(await runCommand("sh", ["-c", "echo out; echo err >&2; exit 3"])).toEqual({
    exitCode: 3,
    stdout: "out",
    stderr: "err",
    notRun: undefined,
    timedOut: false,
  });
});

test("a command that is not there is told, not thrown", async () => {
  expect(await runCommand("/nowhere/program", [])).toMatchObject({ exitCode: null, notRun: "ENOENT" });
});

test("a command that takes too long is killed", async () => {
  expect(await runCommand("sleep", ["60"], { timeoutMs: 20 })).toMatchObject({ exitCode: null, timedOut: true });
});

test("an aborted command is killed", async () => {
  const controller = new AbortController();
  const running = runCommand("sleep", ["60"], { signal: controller.signal });
  controller.abort();
  expect(await running).toMatchObject({ exitCode: null, timedOut: false });
  expect(await runCommand("sleep", ["60"], { signal: controller.signal })).toMatchObject({ exitCode: null });
});

test("only the environment that was given is there", async () => {
  const { stdout } = await runCommand("/usr/bin/env", [], { env: { ONE: "1" } });
  expect(stdout).toBe("ONE=1");
});
