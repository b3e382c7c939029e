/** The managed environment, as a first call meets it: made once, whatever happens. Needs no network: uv takes the packages from its cache. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join } from "node:path";
import { python, Sandbox } from "./cli.support.ts";

const uv = join(python, "..", "uv");
const { XDG_CACHE_HOME = join(homedir(), ".cache"), UV_CACHE_DIR = join(XDG_CACHE_HOME, "uv") } = process.env;
const offline = { UV_CACHE_DIR, UV_OFFLINE: "1", PIP_RETRIES: "0" };

let sandbox: Sandbox;
let environments = "";
beforeEach(() => {
  sandbox = new Sandbox();
  environments = join(sandbox.cache, "python");
  symlinkSync(realpathSync(python), join(sandbox.bin, "python3"));
  symlinkSync(uv, join(sandbox.bin, "uv"));
  sandbox.write("tools.py", "from snakepit import tool\n\n@tool\ndef add(a: int, b: int) -> int:\n    return a + b\n");
});
afterEach(() => sandbox.remove());

const add = (env: Readonly<Record<string, string>> = {}) =>
  sandbox.snakepit(["call", "./tools.py", "add", '{"a": 1, "b": 2}'], { ...offline, ...env });
const made = (): string[] => readdirSync(environments);
const times = (text: string, word: string): number => text.split(word).length - 1;

test("the first call makes it and says so, the second says nothing", async () => {
  const first = await add();
  expect(first).toMatchObject({ exitCode: 0, stdout: "3" });
  expect(first.stderr).toContain("Making the Python environment in ");
  expect(first.stderr).toContain("The Python environment is ready");
  expect(made()).toEqual([expect.stringMatching(/^py3\.\d+-\d+\.\d+\.\d+-[0-9a-f]{12}$/)]);
  expect(await add()).toMatchObject({ exitCode: 0, stdout: "3", stderr: "" });
}, 60_000);

test("calls that come at the same time make it once", async () => {
  const runs = await Promise.all([add(), add(), add()]);
  expect(runs.map(({ exitCode, stdout }) => [exitCode, stdout])).toEqual([
    [0, "3"],
    [0, "3"],
    [0, "3"],
  ]);
  expect(times(runs.map(({ stderr }) => stderr).join("\n"), "Making the Python environment")).toBe(1);
  expect(made()).toHaveLength(1);
}, 60_000);

test("what a maker that died left behind is cleared away", async () => {
  mkdirSync(join(environments, ".making-99999999-1", "bin"), { recursive: true });
  sandbox.write("cache/python/.lock", JSON.stringify({ pid: 99_999_999, startTime: "1", host: hostname() }));
  expect(await add()).toMatchObject({ exitCode: 0, stdout: "3" });
  expect(made()).toEqual([expect.stringMatching(/^py3/)]);
}, 60_000);

test("it is made anew when the Python that it was made from is gone", async () => {
  await add();
  const [name = ""] = made();
  const link = join(environments, name, "bin", "python");
  rmSync(link);
  symlinkSync("/nowhere/python3", link);
  const again = await add();
  expect(again).toMatchObject({ exitCode: 0, stdout: "3" });
  expect(again.stderr).toContain("Making the Python environment");
}, 60_000);

test("packages that cannot be had are said, with what pip says and a mend, and nothing is left", async () => {
  rmSync(join(sandbox.bin, "uv"));
  const { exitCode, stderr } = await add({ PIP_NO_INDEX: "1", PIP_FIND_LINKS: sandbox.folder, PIP_CONFIG_FILE: "/dev/null" });
  expect(exitCode).toBe(3);
  expect(stderr).toContain("EnvironmentFailed: Installing packages with pip failed: ");
  expect(stderr).toContain("No matching distribution found for msgspec");
  expect(stderr).toContain("-m venv .venv && .venv/bin/python -m pip install -r ");
  expect(made()).toEqual([]);
}, 60_000);

test("a cache folder that cannot be used is said, with the variable that names another", async () => {
  const { exitCode, stderr } = await add({ SNAKEPIT_CACHE: "/dev/null/cache" });
  expect(exitCode).toBe(3);
  expect(stderr).toContain("EnvironmentFailed: The folder /dev/null/cache/python cannot be used");
  expect(stderr).toContain("Set SNAKEPIT_CACHE to a folder that can be written.");
});

test("a machine without Python is told what to install", async () => {
  rmSync(join(sandbox.bin, "python3"));
  const { exitCode, stderr } = await add();
  expect(exitCode).toBe(3);
  expect(stderr).toContain("PythonNotFound: There is no Python 3.10 or later on PATH. Install one");
  expect(existsSync(join(environments, ".lock"))).toBe(false);
});

test("an interpreter that lacks packages is not changed but said, with the command that adds them", async () => {
  sandbox.interpreter(".venv/bin/python", { packages: { uvloop: "0.23.0" } });
  const { exitCode, stderr } = await add();
  expect(exitCode).toBe(3);
  const path = join(sandbox.folder, ".venv", "bin", "python");
  expect(stderr).toEndWith(
    `EnvironmentFailed: ${path} lacks msgspec, protobuf. Run: ${path} -m pip install "msgspec>=0.19" "protobuf>=7.35.1"`,
  );
});
