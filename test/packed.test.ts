/**
 * The package as programs get it: the tarball that npm would publish, installed into an empty project, on each runtime, with nothing cached.
 *
 * JavaScript comes from Bun's cache and Python packages from uv's, both filled by the set-up; what is not there is fetched from the registries, and a
 * registry that cannot be reached fails the test in the words of whoever wanted it.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CommandResult, runCommand } from "../src/runtime/command.ts";
import { packageInfo } from "../src/runtime/package-root.ts";

const { root } = packageInfo();
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const python = join(root, ".venv", "bin", "python");
const runtimes = { bun: [bin("bun")], node: [bin("node")], deno: [bin("deno"), "run", "-A", "--quiet"] } as const;
const folder = mkdtempSync(join(tmpdir(), "snakepit-packed-"));
const project = join(folder, "project");
const path = join(folder, "bin");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The first program that the documentation shows. */
const program = `
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: "./tools.py", workers: 2, ...JSON.parse(process.argv[2] ?? "{}") });

console.log(await pit.execute("add", { a: 1, b: 2 }));
for await (const n of pit.executeStream("countdown", { start: 3 })) console.log(n);
`;
const printed = "3\n3\n2\n1";
/** A gateway of the package, and its client. */
const overNetwork = `
import { Snakepit } from "snakepit";
import { connect } from "snakepit/client";
import { createToken, serve } from "snakepit/gateway";

const token = createToken();
await using pit = await Snakepit.open({ tools: "./tools.py", workers: 1, ...JSON.parse(process.argv[2] ?? "{}") });
await using gateway = await serve(pit, { port: 0, auth: { tokens: [{ token, name: "program", scopes: ["*"] }] } });
await using remote = connect({ url: gateway.url, token });

console.log(await remote.execute("add", { a: 1, b: 2 }));
for await (const n of remote.executeStream("countdown", { start: 3 })) console.log(n);
const page = await fetch(gateway.url);
if (!(await page.text()).includes("<html")) throw new Error("there is no dashboard");
`;
const tools = `
from collections.abc import Iterator
from snakepit import tool

@tool
def add(a: float, b: float = 0.0) -> float:
    """Add two numbers."""
    return a + b

@tool
def countdown(start: int) -> Iterator[int]:
    for n in range(start, 0, -1):
        yield n
`;

interface Machine {
  /** Where temporary files go, and nothing else. */
  readonly temporary: string;
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<CommandResult>;
}

/** A user's machine with an empty cache, and of Python packages nothing but the ones that uv keeps. */
function machine(name: string, cwd: string = project): Machine {
  const home = join(folder, name);
  const temporary = join(home, "tmp");
  mkdirSync(temporary, { recursive: true });
  const { XDG_CACHE_HOME = join(homedir(), ".cache"), UV_CACHE_DIR = join(XDG_CACHE_HOME, "uv") } = process.env;
  const env = {
    PATH: `${path}:/usr/bin:/bin`,
    HOME: home,
    TMPDIR: temporary,
    SNAKEPIT_CACHE: join(home, "cache"),
    UV_CACHE_DIR,
    UV_OFFLINE: "1",
    DENO_NO_UPDATE_CHECK: "1",
  };
  return {
    temporary,
    run: ([...command], more = {}) => runCommand("/bin/sh", ["-c", 'cd "$0" && exec "$@"', cwd, ...command], { env: { ...env, ...more } }),
  };
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** Runs a program that must do well, or throws with all that it said. */
async function must(command: string, args: readonly string[], env?: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { exitCode, stdout, stderr, notRun } = await runCommand(command, args, env === undefined ? {} : { env });
  if (exitCode !== 0) throw new Error(`${command} ${args.join(" ")} failed (${notRun ?? exitCode})\n${stdout}\n${stderr}`);
  return stdout;
}

/** Makes an empty project in which the tarball is installed. */
async function install(at: string, tarball: string): Promise<void> {
  write(
    join(at, "package.json"),
    JSON.stringify({ name: "program", private: true, type: "module", dependencies: { snakepit: `file:${tarball}` } }),
  );
  write(join(at, "tools.py"), tools);
  write(join(at, "program.ts"), program);
  write(join(at, "network.ts"), overNetwork);
  await must(bin("bun"), ["install", "--cwd", at, "--prefer-offline", "--no-progress"]);
}

let tarball = "";
beforeAll(async () => {
  for (const [name, target] of [
    ["python3", realpathSync(python)],
    ["uv", join(dirname(python), "uv")],
    ["node", bin("node")],
  ] as const) {
    mkdirSync(path, { recursive: true });
    symlinkSync(target, join(path, name));
  }
  await must(bin("node"), [join(root, "scripts", "setup.mjs")]);
  await must(python, ["-m", "venv", "--without-pip", join(folder, "bare")]);
  tarball = join(folder, (await must("npm", ["pack", root, "--ignore-scripts", "--pack-destination", folder])).split("\n").at(-1) ?? "");
  await install(project, tarball);
}, 120_000);

for (const [name, runtime] of Object.entries(runtimes)) {
  describe(`on ${name}`, () => {
    test("the first program makes its Python environment, prints its results and leaves no file", async () => {
      const { run, temporary } = machine(name);
      const { stdout, stderr, exitCode } = await run([...runtime, "program.ts"]);
      expect({ exitCode, stdout, stderr }).toEqual({
        exitCode: 0,
        stdout: printed,
        stderr: expect.stringContaining("Making the Python environment"),
      });
      expect(readdirSync(temporary)).toEqual([]);
      expect(await run([...runtime, "program.ts"])).toMatchObject({ exitCode: 0, stdout: printed, stderr: "" });
    }, 120_000);

    test("it runs on an interpreter of the user's", async () => {
      const { run, temporary } = machine(`${name}-own`);
      const result = await run([...runtime, "program.ts", JSON.stringify({ python })]);
      expect(result).toMatchObject({ exitCode: 0, stdout: printed, stderr: "" });
      expect(readdirSync(temporary)).toEqual([]);
    }, 60_000);

    test("a gateway serves it to a client", async () => {
      const { run } = machine(`${name}-network`);
      const result = await run([...runtime, "network.ts", JSON.stringify({ python })]);
      expect(result).toMatchObject({ exitCode: 0, stdout: printed, stderr: "" });
    }, 60_000);

    test("an interpreter that lacks packages is said, with the command that adds them", async () => {
      const { run } = machine(`${name}-bare`);
      const bare = join(folder, "bare", "bin", "python");
      const { exitCode, stderr } = await run([...runtime, "program.ts", JSON.stringify({ python: bare })]);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain(`${bare} lacks msgspec, protobuf, uvloop. Run: uv pip install --python ${bare} "msgspec>=`);
    }, 60_000);

    test("the command line is there", async () => {
      const { run } = machine(name);
      const snakepit = [...runtime, "node_modules/snakepit/dist/cli.mjs"];
      expect(await run([...snakepit, "call", "./tools.py", "add", '{"a": 1, "b": 2}'])).toMatchObject({ exitCode: 0, stdout: "3" });
      expect(await run([...snakepit, "call", "./tools.py", "countdown", '{"start": 3}'])).toMatchObject({ exitCode: 0, stdout: "3\n2\n1" });
      const { exitCode, stdout } = await run([...snakepit, "doctor", "--json"]);
      expect({ exitCode, ...JSON.parse(stdout) }).toMatchObject({
        exitCode: 0,
        runtime: { name },
        python: { origin: "managed" },
        missing: [],
      });
    }, 120_000);
  });
}

test("programs on several runtimes that start at the same time make one environment", async () => {
  const { run, temporary } = machine("together");
  const runs = await Promise.all(Object.values(runtimes).map((runtime) => run([...runtime, "program.ts"])));
  expect(runs.map(({ exitCode, stdout }) => ({ exitCode, stdout }))).toEqual(runs.map(() => ({ exitCode: 0, stdout: printed })));
  expect(runs.filter(({ stderr }) => stderr.includes("Making the Python environment"))).toHaveLength(1);
  expect(readdirSync(temporary)).toEqual([]);
}, 120_000);

test("without uv, pip installs exactly what is pinned", async () => {
  const at = join(folder, "pip");
  await install(at, tarball);
  const wheels = join(folder, "wheels");
  mkdirSync(wheels);
  const names = [
    ["msgspec", "0.99.1"],
    ["protobuf", "7.99.1"],
    ["uvloop", "0.99.1"],
  ] as const;
  const pins = await Promise.all(
    names.map(async ([name, version]) => `${name}==${version} --hash=sha256:${await wheel(wheels, name, version)}`),
  );
  const requirements = join(at, "node_modules", "snakepit", "python", "requirements", "runtime.txt");
  // Bun links what it installs to its cache, and that is not to be written to.
  rmSync(requirements);
  writeFileSync(requirements, `${pins.join("\n")}\n`);
  const { run } = machine("pip", at);
  const env = {
    PATH: `${dirname(await withoutUv())}:/usr/bin:/bin`,
    PIP_NO_INDEX: "1",
    PIP_FIND_LINKS: wheels,
    PIP_CONFIG_FILE: "/dev/null",
  };
  // These packages are empty, so the worker does not come up; its environment is there all the same.
  const { stderr } = await run([bin("node"), "node_modules/snakepit/dist/cli.mjs", "call", "./tools.py", "add"], env);
  expect(stderr).toContain("Installing packages with pip");
  expect(stderr).toContain("The Python environment is ready");
  const { stdout } = await run([bin("node"), "node_modules/snakepit/dist/cli.mjs", "doctor", "--json"], env);
  const versions = JSON.parse(stdout).packages.map(({ name, version }: { name: string; version: string }) => [name, version]);
  expect(versions).toEqual(names.map((pin) => [...pin]));
}, 120_000);

test("an old Node is told what it takes", async () => {
  const { run } = machine("old");
  const older = 'data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.11.0" } })';
  const result = await run([bin("node"), "--import", older, "node_modules/snakepit/dist/cli.mjs", "doctor"]);
  expect(result).toMatchObject({ exitCode: 3, stdout: "" });
  expect(result.stderr).toBe("snakepit needs Node 22.19 or later, and this is Node 20.11.0: install a newer one, or use Bun or Deno.");
});

test("its types hold in a strict program", async () => {
  write(
    join(project, "types.ts"),
    `import { Snakepit, isSnakepitError, type CallOptions } from "snakepit";
import { Pool } from "snakepit/effect";
import * as client from "snakepit/client";
import { Gateway, serve, type ServeOptions } from "snakepit/gateway";
import * as testing from "snakepit/testing";

export const sum: Promise<number> = Snakepit.open({ tools: "./tools.py" }).then((pit) => pit.execute<number>("add", { a: 1 }));
export const options: CallOptions = { timeoutMs: 1 };
export const all = [Pool.layer, client, testing, isSnakepitError, Gateway, serve];
export const served: ServeOptions = { auth: "none", limits: { sessions: 10 } };
// @ts-expect-error A number is no file.
export const wrong = Snakepit.open({ tools: 1 });
`,
  );
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    module: "nodenext",
    target: "es2024",
    lib: ["es2024", "esnext.disposable", "esnext.float16", "dom"],
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
  };
  write(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["types.ts"] }));
  await must(bin("tsc"), ["-p", project]);
}, 60_000);

test("only what programs need travels in it", async () => {
  const files = (await must("tar", ["-tzf", tarball])).split("\n").map((file) => file.replace("package/", ""));
  const wanted = /^(dist\/|python\/(src\/snakepit\/|requirements\/runtime\.txt$)|(package\.json|README\.md|CHANGELOG\.md|LICENSE)$)/;
  expect(files.filter((file) => !wanted.test(file))).toEqual([]);
  expect(files.filter((file) => /__pycache__|\.pyc$|\.test\.|egg-info/.test(file))).toEqual([]);
  expect(files).toContain("python/src/snakepit/py.typed");
});

/** A folder on PATH with Python and without uv. Gives the path of its Python. */
async function withoutUv(): Promise<string> {
  const link = join(folder, "pip-bin", "python3");
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(realpathSync(python), link);
  return link;
}

/** Writes a wheel with nothing in it and gives its SHA-256. */
async function wheel(to: string, name: string, version: string): Promise<string> {
  const file = join(to, `${name}-${version}-py3-none-any.whl`);
  const script = `
import sys, zipfile
file, name, version = sys.argv[1:]
info = f"{name}-{version}.dist-info"
with zipfile.ZipFile(file, "w") as wheel:
    wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
    wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
`;
  await must(python, ["-c", script, file, name, version]);
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
