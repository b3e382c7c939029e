import { beforeAll, describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { cases } from "./gateway.http.cases.ts";

const root = resolve(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);
const program = "test/gateway.http.program.ts";
const runtimes = {
  bun: [bin("bun"), program],
  node: [bin("node"), "--no-warnings", program],
  deno: [bin("deno"), "run", "--quiet", "--allow-all", "--no-lock", program],
};

for (const [runtime, command] of Object.entries(runtimes)) {
  describe(`the gateway's server on ${runtime}`, () => {
    let outcomes: Readonly<Record<string, string>>;

    beforeAll(async () => {
      const child = Bun.spawn(command, { cwd: root, stdout: "pipe", stderr: "pipe" });
      const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      if ((await child.exited) !== 0) throw new Error(err);
      outcomes = JSON.parse(out);
    }, 60_000);

    for (const sentence of Object.keys(cases)) {
      test(sentence, () => expect(outcomes[sentence]).toBe(""));
    }
  });
}
