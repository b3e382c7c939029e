/** The programs of the documentation, as they are printed: built, found by the name of the package, on every runtime. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processesWith } from "./pool.support.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const runtimes = {
  bun: [bin("bun")],
  node: [bin("node"), "--no-warnings"],
  deno: [bin("deno"), "run", "-A", "--quiet"],
} as const satisfies Record<string, readonly [string, ...string[]]>;

const expected = {
  "promises.ts": "3\n3\n2\n1\n1\nto\nbe\nor\nnot\n10\n[ 4, 4 ]\n[ 4 ]\n7 2 healthy\n",
  "try-finally.ts": "3\n1000000\n999999\n",
  "pools.ts": "true 2 4 6\n3\n4\ncpu ready spawn, cpu ready spawn, gpu ready spawn\n",
  "effect.ts": "3\n3\n2\n1\n",
  "session.ts": `0.9
[0.9,1,"float",{"min":0,"max":2},{"side":"typescript"},{},true]
1
{"values":{"temperature":1},"missing":["nope"]}
["set","temperature",1.1,3,{"side":"typescript"},0]
0.5
42
true
`,
  "session-store.ts": "0\n0.7\n0.5\nuser-42 1\n",
} as const;

/** A project that has the package as it is published: built, without its sources. */
let project: string;
const started: ChildProcess[] = [];

async function finished(child: ChildProcess): Promise<{ code: unknown; stdout: string; stderr: string }> {
  started.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data) => {
    stdout += data;
  });
  child.stderr?.on("data", (data) => {
    stderr += data;
  });
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

beforeAll(async () => {
  project = realpathSync(mkdtempSync(join(tmpdir(), "programs-")));
  const modules = join(project, "node_modules");
  const own = join(modules, "snakepit");
  mkdirSync(join(own, "python"), { recursive: true });
  const build = spawn(bin("tsdown"), ["--out-dir", join(own, "dist"), "--no-dts", "--logLevel", "error"], { cwd: root });
  expect(await finished(build)).toMatchObject({ code: 0 });
  cpSync(join(root, "package.json"), join(own, "package.json"));
  for (const part of ["src", "requirements"]) symlinkSync(join(root, "python", part), join(own, "python", part));
  for (const name of ["@bufbuild", "@connectrpc", "effect"]) symlinkSync(join(root, "node_modules", name), join(modules, name));
  cpSync(join(root, "test", "programs"), project, { recursive: true });
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module", dependencies: { snakepit: "*", effect: "*" } }));
}, 60_000);
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
  rmSync(project, { recursive: true, force: true });
});

/** The interpreter of the tests; without one the environment that is made for programs. */
const python = join(root, ".venv", "bin", "python");
const interpreter = process.env["SNAKEPIT_PYTHON"] ?? (existsSync(python) ? python : undefined);

for (const [runtime, [command, ...args]] of Object.entries(runtimes)) {
  describe(`on ${runtime}`, () => {
    for (const [program, output] of Object.entries(expected)) {
      test(`${program} prints what it should, ends by itself and leaves nothing`, async () => {
        const marker = randomUUID();
        const temporary = mkdtempSync(join(project, "tmp-"));
        const env = { ...process.env, TMPDIR: temporary, PROGRAM_MARKER: marker, NO_COLOR: "1" };
        const child = spawn(command, [...args, join(project, program)], {
          cwd: project,
          env: interpreter === undefined ? env : { ...env, SNAKEPIT_PYTHON: interpreter },
          stdio: ["ignore", "pipe", "pipe"],
        });
        const { code, stdout, stderr } = await finished(child);
        expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: output, stderr: "" });
        expect(processesWith(`PROGRAM_MARKER=${marker}`)).toEqual([]);
        expect(readdirSync(temporary)).toEqual([]);
      }, 60_000);
    }
  });
}
