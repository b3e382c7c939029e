import { expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { execPath } from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const program = fileURLToPath(new URL("./run.ts", import.meta.url));
const SEEDS = 1_000;

const output = async (...args: number[]): Promise<string> =>
  (await run(execPath, [program, ...args.map(String)], { maxBuffer: 64 << 20 })).stdout;

test(`${SEEDS} histories of a pool break no rule`, async () => {
  const { failing, deaths, calls } = JSON.parse(await output(1, SEEDS));
  // To see the history of a seed: bun src/testing/simulation/run.ts SEED.
  expect(failing).toEqual([]);
  // They are histories of something.
  expect(deaths).toBeGreaterThan(SEEDS);
  expect(calls).toBeGreaterThan(10 * SEEDS);
}, 60_000);

test("the same seed gives the same history, another one another", async () => {
  const [first, again, other] = await Promise.all([output(7), output(7), output(8)]);
  expect(first.length).toBeGreaterThan(500);
  expect(again).toBe(first);
  expect(other).not.toBe(first);
});
