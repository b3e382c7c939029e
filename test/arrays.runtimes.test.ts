/** Which runtimes share memory, and that the socket does where they cannot. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { toolFile, until } from "./pool.support.ts";

const root = resolve(import.meta.dirname, "..");
const program = resolve(root, "test/programs/shared-memory.ts");

/** Has Node find no package of this name. */
const without = (name: string): string =>
  `data:text/javascript,import { registerHooks } from "node:module"; registerHooks({ resolve(specifier, context, next) {
    if (specifier !== "${name}") return next(specifier, context);
    throw Object.assign(new Error("there is none"), { code: "ERR_MODULE_NOT_FOUND" });
  } });`;

async function run(runtime: "bun" | "node" | "deno", ...flags: readonly string[]): Promise<unknown> {
  const tools = toolFile("memory");
  const child = Bun.spawn([`${root}/node_modules/.bin/${runtime}`, ...flags, program, tools, `${root}/.venv/bin/python`], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(err);
  return JSON.parse(out);
}

const deno = ["run", "--quiet", "--no-lock", "--no-prompt", "--allow-all"];
const shared = { arguments: true, results: true, isRight: true };
const socketOnly = { arguments: false, results: false, isRight: true };

test("Bun shares memory", async () => expect(await run("bun")).toEqual(shared));
test("Node shares memory with koffi", async () => expect(await run("node", "--no-warnings")).toEqual(shared));
test("Deno shares memory when it may", async () => expect(await run("deno", ...deno)).toEqual(shared));
test("Node does without koffi", async () => expect(await run("node", "--no-warnings", "--import", without("koffi"))).toEqual(socketOnly));
test("Deno does without the permission, and does not ask for it", async () =>
  expect(await run("deno", ...deno, "--deny-ffi")).toEqual(socketOnly));

test("a program that is killed leaves no memory behind", async () => {
  const child = Bun.spawn([process.execPath, program, toolFile("memory"), `${root}/.venv/bin/python`, "wait"], {
    cwd: root,
    stdout: "pipe",
  });
  let line = "";
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    line += text;
    if (line.endsWith("\n")) break;
  }
  const worker = `/proc/${line.trim()}`;
  expect(readFileSync(`${worker}/maps`, "utf8")).toContain("memfd:snakepit");
  child.kill("SIGKILL");
  await child.exited;
  // It has no name, so it ends with the last who has it.
  await until(() => !existsSync(worker));
  expect(readdirSync("/dev/shm").filter((name) => name.includes("snakepit"))).toEqual([]);
});
