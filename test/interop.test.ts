/** Clients that are none of ours against a gateway that serves: curl, buf curl, grpcurl (Go) and connect-python, a unary call and a stream each. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { temporaryFolder, toolFile } from "./pool.support.ts";

const root = resolve(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const python = join(root, ".venv", "bin", "python");
const service = "snakepit.v1.GatewayService";
const unary = `{"tool":"add","args":{"a":1,"b":2}}`;
const streaming = `{"tool":"countdown","args":{"start":3}}`;

/** grpcurl, and why it is not there. The first time Go builds it. */
const grpcurl = spawnSync(bin("node"), [join(root, "scripts", "setup", "grpcurl.mjs")], { encoding: "utf8" });
const hasGo = grpcurl.status === 0;
if (!hasGo && process.env["CI"] !== undefined) throw new Error(grpcurl.stderr);
if (!hasGo) console.error(`The tests with grpcurl are left out. ${grpcurl.stderr}`);
const hasConnectPython = spawnSync(python, ["-c", "import connectrpc"]).status === 0;

/** What serves, and whether it speaks HTTP/2 and with it gRPC. */
const runtimes = {
  node: { command: [bin("node"), "--no-warnings"], http2: true },
  bun: { command: [bin("bun")], http2: false },
  deno: { command: [bin("deno"), "run", "--quiet", "--allow-all", "--no-lock"], http2: true },
};

for (const [runtime, { command, http2 }] of Object.entries(runtimes)) {
  describe(`a gateway on ${runtime} answers`, () => {
    const folder = temporaryFolder("interop-");
    let server: ReturnType<typeof Bun.spawn>;
    let url = "";
    let token = "";
    let pid = 0;
    const authorization = () => `authorization: Bearer ${token}`;

    beforeAll(async () => {
      const child = Bun.spawn([...command, "src/cli/main.ts", "serve", toolFile("api"), "--workers", "1", "--port", "0", "--json"], {
        cwd: root,
        env: { ...process.env, SNAKEPIT_STATE: folder },
        stdout: "pipe",
        stderr: "inherit",
      });
      server = child;
      const reader = child.stdout.getReader();
      let said = "";
      while (!said.includes("\n")) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the gateway ended: ${said}`);
        said += new TextDecoder().decode(value);
      }
      ({ url, token, pid } = JSON.parse(said));
    }, 60_000);

    afterAll(async () => {
      // Not the program that was started: Deno's package has one before it that passes no signals on.
      process.kill(pid, "SIGTERM");
      expect(await server.exited).toBe(0);
      rmSync(folder, { recursive: true, force: true });
    });

    /** What a program prints. */
    const run = async (program: string, args: readonly string[], input = "", env = {}): Promise<string> => {
      const child = Bun.spawn([program, ...args], {
        cwd: root,
        env: { ...process.env, ...env },
        stdin: Buffer.from(input),
        stdout: "pipe",
        stderr: "pipe",
      });
      const [out, err, code] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text(), child.exited]);
      if (code !== 0) throw new Error(`${program} ended with ${code}: ${err}${out}`);
      return out;
    };
    /** The JSON values in a text, one after the other. */
    const values = (text: string): unknown[] => JSON.parse(`[${text.trim().replaceAll(/\}\s*\{/g, "},{")}]`);
    const items = [{ item: 3 }, { item: 2 }, { item: 1 }];

    for (const version of http2 ? ["--http1.1", "--http2-prior-knowledge"] : ["--http1.1"]) {
      test(`curl ${version}`, async () => {
        const curl = (method: string, type: string, body: string) =>
          run(
            "curl",
            ["-sS", version, "-H", authorization(), "-H", `content-type: ${type}`, "--data-binary", "@-", `${url}/${service}/${method}`],
            body,
          );
        expect(values(await curl("ExecuteTool", "application/json", unary))).toEqual([{ result: 3 }]);
        // Five bytes before each message of a stream: flags and length.
        const enveloped = `\0\0\0\0${String.fromCharCode(streaming.length)}${streaming}`;
        const answer = await curl("ExecuteToolStream", "application/connect+json", enveloped);
        expect(answer.match(/\{[^\0]*\}/g)?.map((message) => JSON.parse(message))).toEqual([...items, {}]);
      });
    }

    for (const protocol of http2 ? ["connect", "grpcweb", "grpc"] : ["connect", "grpcweb"]) {
      test(`buf curl by ${protocol}`, async () => {
        const over = http2 ? ["--http2-prior-knowledge"] : [];
        const curl = (method: string, body: string) =>
          run(bin("buf"), [
            "curl",
            "--schema",
            "proto",
            "--protocol",
            protocol,
            ...over,
            "-H",
            authorization(),
            "-d",
            body,
            `${url}/${service}/${method}`,
          ]);
        expect(values(await curl("ExecuteTool", unary))).toEqual([{ result: 3 }]);
        expect(values(await curl("ExecuteToolStream", streaming))).toEqual(items);
      });
    }

    test.skipIf(!http2 || !hasGo)("grpcurl, which asks for the schema too", async () => {
      const curl = (method: string, body: string) =>
        run(grpcurl.stdout.trim(), ["-plaintext", "-H", authorization(), "-d", body, new URL(url).host, `${service}/${method}`]);
      expect(values(await curl("ExecuteTool", unary))).toEqual([{ result: 3 }]);
      expect(values(await curl("ExecuteToolStream", streaming))).toEqual(items);
      const listed = await run(grpcurl.stdout.trim(), ["-plaintext", "-H", authorization(), new URL(url).host, "list"]);
      expect(listed.trim().split("\n")).toContain(service);
    });

    test.skipIf(!hasConnectPython)("connect-python", async () => {
      const env = { PYTHONPATH: [join(root, "python", "src"), process.env["PYTHONPATH"]].filter(Boolean).join(delimiter) };
      expect(await run(python, ["test/interop/client.py", url, token], "", env)).toBe("3.0\n[3.0, 2.0, 1.0]\n");
    });
  });
}
