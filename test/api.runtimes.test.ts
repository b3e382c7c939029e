/** The same programs on Bun, Node and Deno: what they print, how they end, and what is left of them. */
import { afterAll, describe, expect, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { processesOf, temporaryFolder, until } from "./pool.support.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
// What npm calls deno is a script that starts it; signals are for the program itself.
const deno = spawnSync(bin("deno"), ["eval", "console.log(Deno.execPath())"], { encoding: "utf8" }).stdout.trim();
const runtimes = { bun: [bin("bun")], node: [bin("node")], deno: [deno, "run", "-A", "--quiet"] } as const;

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
});

interface Run {
  readonly child: ChildProcess;
  readonly folder: string;
  /** Everything it wrote to stdout until now. */
  output(): string;
  /** The same of stderr. */
  stderr(): string;
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>;
}

function run([command, ...args]: readonly [string, ...string[]], program: string, ...more: string[]): Run {
  const folder = temporaryFolder();
  const child = spawn(command, [...args, join(root, "test", "programs", program), ...more], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(child);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => {
    stdout += data;
  });
  child.stderr.on("data", (data) => {
    stderr += data;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal, stdout, stderr }));
  return { child, folder, output: () => stdout, stderr: () => stderr, ended };
}

for (const [name, runtime] of Object.entries(runtimes)) {
  describe(`on ${name}`, () => {
    test("the first program prints its results and ends by itself", async () => {
      const { ended, folder } = run(runtime, "first.ts");
      expect(await ended).toEqual({ code: 0, signal: null, stdout: "3\n3\n2\n1\n1\n2 3 healthy\n", stderr: "" });
      expect(readdirSync(folder)).toEqual([]);
    }, 60_000);

    test("the first Effect program prints its results and ends by itself", async () => {
      const { ended } = run(runtime, "first-effect.ts");
      expect(await ended).toEqual({ code: 0, signal: null, stdout: "3\n3\n2\n1\n", stderr: "" });
    }, 60_000);

    test("what a listener throws surfaces like any error nobody caught, and no call hears of it", async () => {
      const { ended } = run(runtime, "listener-throws.ts");
      expect(await ended).toEqual({ code: 0, signal: null, stdout: "fine\nfrom the listener\n4\n", stderr: "" });
    }, 60_000);

    test("a listener of events that throws every time disturbs neither calls nor the other listeners", async () => {
      const { ended } = run(runtime, "event-listener-throws.ts");
      expect(await ended).toEqual({ code: 0, signal: null, stdout: "9\ncall.started call.finished\ntrue\n", stderr: "" });
    }, 60_000);

    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      test(`${signal} closes an open pit, and the program ends by that signal`, async () => {
        const { child, ended, folder, output } = run(runtime, "held-open.ts");
        await until(() => output().endsWith("\n") || child.exitCode !== null);
        const marker = output().trim();
        expect(processesOf(marker).length).toBe(2);
        child.kill(signal);
        expect(await ended).toMatchObject({ code: null, signal });
        expect(processesOf(marker)).toEqual([]);
        expect(readdirSync(folder)).toEqual([]);
      }, 60_000);
    }

    test("a signal during a call that does not end ends the program by it, without a word", async () => {
      const { child, ended, folder, output, stderr: words } = run(runtime, "held-open.ts", "busy");
      await until(() => words().includes("stubborn began") || child.exitCode !== null);
      const marker = output().trim();
      child.kill("SIGINT");
      const { signal, stderr } = await ended;
      expect(signal).toBe("SIGINT");
      expect(stderr.replace(/^\[snakepit .*\n/, "")).toBe("");
      expect(processesOf(marker)).toEqual([]);
      expect(readdirSync(folder)).toEqual([]);
    }, 60_000);

    test("a signal while the pit opens ends the program by it", async () => {
      const { child, ended, folder, stderr } = run(runtime, "slow-start.ts");
      await until(() => stderr().includes("importing") || child.exitCode !== null);
      child.kill("SIGTERM");
      expect(await ended).toMatchObject({ code: null, signal: "SIGTERM" });
      expect(readdirSync(folder)).toEqual([]);
    }, 60_000);

    test("process.exit leaves no worker and no file", async () => {
      const { ended, folder } = run(runtime, "held-open.ts", "exit");
      const { code, stdout } = await ended;
      expect(code).toBe(5);
      await until(() => processesOf(stdout.trim()).length === 0);
      expect(readdirSync(folder)).toEqual([]);
    }, 60_000);

    test("a program that is out of file descriptors lives on, and has its worker again when there are some", async () => {
      const { ended } = run(["/bin/sh", "-c", 'ulimit -n 300; exec "$@"', "sh", ...runtime], "out-of-descriptors.ts");
      expect(await ended).toEqual({ code: 0, signal: null, stdout: "EMFILE\n9\n", stderr: "" });
    }, 60_000);

    test("a host that is killed takes its workers along", async () => {
      const { child, ended, output } = run(runtime, "held-open.ts");
      await until(() => output().endsWith("\n") || child.exitCode !== null);
      const marker = output().trim();
      expect(processesOf(marker).length).toBe(2);
      child.kill("SIGKILL");
      await ended;
      await until(() => processesOf(marker).length === 0);
    }, 60_000);
  });
}
