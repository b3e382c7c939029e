/** A host that is killed leaves nothing behind: neither its workers, whatever they do, nor what their tools have started. */
import { afterAll, expect, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROMPTLY_MS, processesWith, until } from "./pool.support.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);
/** What npm calls a runtime may be a script that starts it; signals are for the program itself. */
const path = (name: string, code: string): string => spawnSync(bin(name), code.split("\n"), { encoding: "utf8" }).stdout.trim();
const runtimes = {
  bun: [path("bun", "-e\nconsole.log(process.execPath)")],
  node: [path("node", "-p\nprocess.execPath")],
  deno: [path("deno", "eval\nconsole.log(Deno.execPath())"), "run", "-A", "--quiet"],
};

const started: ChildProcess[] = [];
afterAll(() => {
  for (const child of started) child.kill("SIGKILL");
});

for (const [name, [command = "", ...args]] of Object.entries(runtimes)) {
  for (const [signal, doing] of [
    ["SIGKILL", "nothing"],
    ["SIGKILL", "computing"],
    ["SIGHUP", "nothing"],
  ] as const) {
    test(`${name}: ended by ${signal} while its workers are ${doing === "computing" ? "in C code" : "idle"}`, async () => {
      const marker = `HOST_MARKER=${randomUUID()}`;
      const folder = mkdtempSync(join(tmpdir(), "host-death-"));
      const child = spawn(command, [...args, join(root, "test", "programs", "killed-host.ts"), doing], {
        cwd: root,
        env: { ...process.env, TMPDIR: folder, HOST_MARKER: marker.slice("HOST_MARKER=".length) },
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
      const exited = once(child, "exit");
      const computing = (): boolean => doing === "nothing" || stderr.split("computes").length === 3;
      await until(() => (stdout.includes("ready") && computing()) || child.exitCode !== null);
      // The host, two workers and three children of theirs.
      await until(() => processesWith(marker).length === 6);
      const killed = performance.now();
      child.kill(signal);
      expect(await exited).toEqual([null, signal]);
      await until(() => processesWith(marker).length === 0);
      expect(performance.now() - killed).toBeLessThan(PROMPTLY_MS);
      expect(readdirSync(folder)).toEqual([]);
      rmSync(folder, { recursive: true });
    }, 60_000);
  }
}
