import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { python, Sandbox } from "./cli.support.ts";

// Each asks real programs.
setDefaultTimeout(60_000);

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.remove());

async function diagnosis(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const { exitCode, stdout, stderr } = await sandbox.snakepit(["doctor", "--json", ...args], env);
  expect(stderr).toBe("");
  return { exitCode, ...JSON.parse(stdout) };
}

describe("where Python is found", () => {
  test("the option comes first, then SNAKEPIT_PYTHON, VIRTUAL_ENV, ./.venv and PATH", async () => {
    sandbox.interpreter("bin/python3", { version: [3, 10, 1] });
    expect(await diagnosis()).toMatchObject({ python: { origin: "managed", version: "3.10.1" }, managed: { used: true, path: null } });
    const local = sandbox.interpreter(".venv/bin/python", { version: [3, 11, 1] });
    expect(await diagnosis()).toMatchObject({ python: { origin: "./.venv", path: local, version: "3.11.1" } });
    const active = sandbox.interpreter("active/bin/python", { version: [3, 12, 1] });
    const env = { VIRTUAL_ENV: join(sandbox.folder, "active") };
    expect(await diagnosis([], env)).toMatchObject({ python: { origin: "VIRTUAL_ENV", path: active, version: "3.12.1" } });
    const variable = sandbox.interpreter("variable", { version: [3, 13, 1] });
    const both = { ...env, SNAKEPIT_PYTHON: variable };
    expect(await diagnosis([], both)).toMatchObject({ python: { origin: "SNAKEPIT_PYTHON", path: variable, version: "3.13.1" } });
    const option = sandbox.interpreter("option", { version: [3, 14, 1] });
    const found = await diagnosis(["--python", "./option"], both);
    expect(found).toMatchObject({
      exitCode: 0,
      python: { origin: "option", path: option, version: "3.14.1" },
      managed: { used: false },
      missing: [],
    });
  });

  test("an active environment that is no longer there is passed over", async () => {
    sandbox.interpreter("bin/python3");
    const found = await diagnosis([], { VIRTUAL_ENV: "/nowhere/venv" });
    expect(found).toMatchObject({ exitCode: 0, python: { origin: "managed" } });
    expect(found.looked).toContain("VIRTUAL_ENV: /nowhere/venv/bin/python is not there");
  });

  test("an old Python on PATH is passed over for a newer one under another name", async () => {
    sandbox.interpreter("bin/python3", { version: [3, 9, 18] });
    sandbox.interpreter("bin/python3.12", { version: [3, 12, 4] });
    expect(await diagnosis()).toMatchObject({ exitCode: 0, python: { version: "3.12.4" } });
  });

  test("a runtime that can share memory with workers says so", async () => {
    sandbox.interpreter("bin/python3");
    expect(await diagnosis()).toMatchObject({ socketOnly: null });
  });

  test("a real interpreter answers as it is", async () => {
    const found = await diagnosis(["--python", python]);
    expect(found).toMatchObject({
      exitCode: 0,
      missing: [],
      socketOnly: process.platform === "linux" ? null : expect.stringContaining("Linux"),
    });
    expect(found.memory.freeBytes).toBeGreaterThan(0);
    expect(found.memory.freeBytes).toBeLessThanOrEqual(found.memory.totalBytes);
    expect(found.packages.map(({ name, ok }: { name: string; ok: boolean }) => [name, ok])).toEqual([
      ["msgspec", true],
      ["protobuf", true],
      ["uvloop", true],
    ]);
  });
});

describe("what is missing", () => {
  test("room for open files", async () => {
    sandbox.interpreter("bin/python3");
    const { stdout, exitCode } = await sandbox.shell('ulimit -n 200; exec "$@"', ["doctor", "--json"]);
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      limits: { openFiles: 200 },
      missing: [{ what: "room for 512 open files: the limit is 200", mend: "ulimit -n 2048" }],
    });
  });

  test("no Python at all", async () => {
    const found = await diagnosis();
    expect(found).toMatchObject({ exitCode: 1, python: null });
    expect(found.missing[0].what).toBe("There is no Python 3.10 or later on PATH.");
    expect(found.missing[0].mend).toStartWith("Install one, for example by: ");
    expect(found.looked).toContain("PATH: python3 is not there");
  });

  test("only a Python that is too old", async () => {
    sandbox.interpreter("bin/python3", { version: [3, 9, 18] });
    const { exitCode, missing } = await diagnosis();
    expect(exitCode).toBe(1);
    expect(missing[0].what).toBe("There is no Python 3.10 or later on PATH (python3 is Python 3.9.18).");
  });

  test("a Python that cannot make virtual environments", async () => {
    sandbox.interpreter("bin/python3", { hasVenv: false });
    const { exitCode, missing } = await diagnosis();
    expect(exitCode).toBe(1);
    expect(missing[0].what).toContain('it has no module "venv" or "ensurepip"');
    expect(missing[0].mend).toBe("Run: sudo apt install python3.12-venv");
  });

  test("packages, with the command that adds them", async () => {
    const path = sandbox.interpreter("mine", { packages: { msgspec: "0.18.6", uvloop: "0.23.0" } });
    const { exitCode, missing, packages } = await diagnosis(["--python", path]);
    expect(exitCode).toBe(1);
    expect(missing).toEqual([
      { what: "msgspec 0.19 or later, protobuf 7.35.1 or later", mend: `${path} -m pip install "msgspec>=0.19" "protobuf>=7.35.1"` },
    ]);
    expect(packages[0]).toEqual({ name: "msgspec", atLeast: "0.19", version: "0.18.6", ok: false });
  });

  test("packages of an interpreter without pip are added with uv", async () => {
    const path = sandbox.interpreter("mine", { packages: {}, hasPip: false });
    const { missing } = await diagnosis(["--python", path]);
    expect(missing[0].mend).toStartWith(`uv pip install --python ${path} "msgspec>=`);
  });

  test("packages of an interpreter that the system keeps go to an environment of their own", async () => {
    const path = sandbox.interpreter("mine", { packages: {}, isExternallyManaged: true });
    const { missing } = await diagnosis(["--python", path]);
    expect(missing[0].mend).toStartWith(`${path} -m venv .venv && .venv/bin/python -m pip install "msgspec>=`);
  });

  test("something that is no interpreter", async () => {
    const path = sandbox.script("mine", "echo what do you want >&2; exit 4");
    const { exitCode, missing } = await diagnosis(["--python", path]);
    expect(exitCode).toBe(1);
    expect(missing[0].what).toBe(`${path}, from the option "python", is no Python interpreter (it says: what do you want).`);
  });
});

test("the report for people says the same", async () => {
  const path = sandbox.interpreter("mine", { packages: { protobuf: "7.36.2", uvloop: "0.23.0" } });
  const { exitCode, stdout } = await sandbox.snakepit(["doctor", "--python", path]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain(`Python      3.12.1  ${path}  (from option)`);
  expect(stdout).toContain("msgspec     missing  (needs 0.19 or later)");
  expect(stdout).toEndWith(`Missing: msgspec 0.19 or later\n${path} -m pip install "msgspec>=0.19"`);
});

test("it makes nothing", async () => {
  sandbox.interpreter("bin/python3");
  await diagnosis();
  expect(existsSync(sandbox.cache)).toBe(false);
});
