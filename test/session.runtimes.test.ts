import { expect, test } from "bun:test";
import { resolve } from "node:path";
import { cases } from "./session.cases.ts";

const root = resolve(import.meta.dirname, "..");
const program = resolve(import.meta.dirname, "session.program.ts");
const runtimes = { node: ["--no-warnings"], deno: ["run", "--quiet", "--allow-all", "--no-lock"] };

for (const [runtime, flags] of Object.entries(runtimes)) {
  test(`every case of sessions holds on ${runtime}, over every store`, async () => {
    const child = Bun.spawn([`${root}/node_modules/.bin/${runtime}`, ...flags, program], { cwd: root, stdout: "pipe", stderr: "pipe" });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    if ((await child.exited) !== 0) throw new Error(err);
    expect(JSON.parse(out)).toEqual({ passed: 2 * Object.keys(cases).length, failures: {} });
  }, 60_000);
}
