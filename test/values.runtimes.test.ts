import { beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const fixture = resolve(import.meta.dirname, "values.fixture.ts");
const runtimes = { bun: [], node: ["--no-warnings"], deno: ["run", "--quiet", "--allow-env", "--no-lock"] };

interface Printed {
  readonly buffer: string;
  readonly hex: string;
  readonly same: boolean;
  readonly refused: string;
}

async function print(runtime: keyof typeof runtimes, ...flags: readonly string[]): Promise<Printed> {
  const child = Bun.spawn([`${root}/node_modules/.bin/${runtime}`, ...runtimes[runtime], fixture, ...flags], {
    cwd: root,
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(err);
  return JSON.parse(out);
}

describe("values are the same bytes on every runtime", () => {
  let expected: Printed;
  beforeAll(async () => {
    expected = await print("bun");
  });

  for (const runtime of ["bun", "node", "deno"] as const) {
    for (const flags of [[], ["--no-buffer"]]) {
      test(`${runtime} ${flags.join()}`, async () => {
        const printed = await print(runtime, ...flags);
        expect(printed).toEqual({ ...expected, same: true, buffer: flags.length === 0 ? "function" : "undefined" });
        expect(printed.refused).toContain("The value at $.deep[1] cannot travel: it is a string with half a surrogate pair");
      });
    }
  }
});
