import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { chromiumPath } from "./chromium.ts";
import { cases } from "./client.cases.ts";
import { type StandingBench, standingBench } from "./client.support.ts";

const root = resolve(import.meta.dirname, "..");
const bin = `${root}/node_modules/.bin`;
const node = [`${bin}/node`, "--no-warnings"];

/** Where the client has to work, and the program that runs its cases there. */
const runtimes: Readonly<Record<string, readonly string[]>> = {
  bun: [`${bin}/bun`, "test/client.program.ts"],
  node: [...node, "test/client.program.ts"],
  deno: [`${bin}/deno`, "run", "--quiet", "--allow-net", "--allow-env", "--allow-read", "--no-lock", "test/client.program.ts"],
  workerd: [...node, "test/client.workerd.ts"],
  chromium: [...node, "test/client.chromium.ts"],
};

for (const [runtime, command] of Object.entries(runtimes)) {
  describe.skipIf(runtime === "chromium" && chromiumPath === undefined)(`the client on ${runtime}`, () => {
    let standing: StandingBench;
    let outcomes: Readonly<Record<string, string>>;

    beforeAll(async () => {
      standing = await standingBench();
      const child = Bun.spawn([...command, JSON.stringify(standing.bench)], { cwd: root, stdout: "pipe", stderr: "pipe" });
      const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      if ((await child.exited) !== 0) throw new Error(err);
      outcomes = JSON.parse(out);
    }, 120_000);

    afterAll(() => standing[Symbol.asyncDispose]());

    for (const sentence of Object.keys(cases)) {
      test(sentence, () => expect(outcomes[sentence]).toBe(""));
    }
  });
}
