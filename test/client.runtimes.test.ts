import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { chromiumPath } from "./chromium.ts";
import { cases } from "./client.cases.ts";

const root = resolve(import.meta.dirname, "..");
const bin = `${root}/node_modules/.bin`;
const bun = [`${bin}/bun`];
const node = [`${bin}/node`, "--no-warnings"];
const deno = [`${bin}/deno`, "run", "--quiet", "--no-lock"];

/** Where the client has to work: the program that runs its cases there, and what runs the gateway that they ask. */
const runtimes: Readonly<Record<string, { readonly program: readonly string[]; readonly gateway: readonly string[] }>> = {
  bun: { program: [...bun, "test/client.program.ts"], gateway: bun },
  node: { program: [...node, "test/client.program.ts"], gateway: node },
  deno: { program: [...deno, "--allow-net", "--allow-env", "--allow-read", "test/client.program.ts"], gateway: [...deno, "--allow-all"] },
  workerd: { program: [...node, "test/client.workerd.ts"], gateway: node },
  chromium: { program: [...node, "test/client.chromium.ts"], gateway: node },
};

for (const [runtime, { program, gateway }] of Object.entries(runtimes)) {
  describe.skipIf(runtime === "chromium" && chromiumPath === undefined)(`the client on ${runtime}`, () => {
    let standing: Bun.Subprocess<"pipe", "pipe", "inherit">;
    let outcomes: Readonly<Record<string, string>>;

    beforeAll(async () => {
      standing = Bun.spawn([...gateway, "test/client.gateway.ts"], { cwd: root, stdin: "pipe", stdout: "pipe", stderr: "inherit" });
      const { value = new Uint8Array() } = await standing.stdout.getReader().read();
      const bench = new TextDecoder().decode(value).trim();
      const child = Bun.spawn([...program, bench], { cwd: root, stdout: "pipe", stderr: "pipe" });
      const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
      if ((await child.exited) !== 0) throw new Error(err);
      outcomes = JSON.parse(out);
    }, 120_000);

    afterAll(async () => {
      standing.stdin.end();
      await standing.exited;
    });

    for (const sentence of Object.keys(cases)) {
      test(sentence, () => expect(outcomes[sentence]).toBe(""));
    }
  });
}
