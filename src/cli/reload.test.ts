import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { temporaryFolder } from "../../test/pool.support.ts";
import { Snakepit } from "../index.ts";
import { Sandbox } from "./cli.support.ts";

const sandbox = new Sandbox();
afterAll(() => sandbox.remove());
const snakepit = (state: string, ...args: string[]) => sandbox.snakepit(args, { SNAKEPIT_STATE: state });
const tool = (answer: number): string => `from snakepit import tool\n\n\n@tool\ndef one() -> int:\n    return ${answer}\n`;

test("an open pit takes up changed tools, and goes on with those it had when they do not load", async () => {
  const state = temporaryFolder();
  const path = join(state, "changing.py");
  writeFileSync(path, tool(1));
  const { SNAKEPIT_STATE } = env;
  env["SNAKEPIT_STATE"] = state;
  try {
    await using pit = await Snakepit.open({ tools: path, workers: 1 });
    writeFileSync(path, tool(22));
    expect(await snakepit(state, "reload")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^Reloaded run \w+ of process \d+\.$/),
    });
    expect(await pit.execute<number>("one")).toBe(22);
    expect(JSON.parse((await snakepit(state, "reload", "--json")).stdout)).toMatchObject([
      { pid: process.pid, reloaded: true, reason: "" },
    ]);
    writeFileSync(path, "1 / 0\n");
    const failed = await snakepit(state, "reload");
    expect(failed).toMatchObject({ exitCode: 1, stdout: "" });
    expect(failed.stderr).toMatch(/^Run \w+ of process \d+ goes on with the tools it had: .*ZeroDivisionError/);
    expect(await pit.execute<number>("one")).toBe(22);
  } finally {
    if (SNAKEPIT_STATE === undefined) delete env["SNAKEPIT_STATE"];
    else env["SNAKEPIT_STATE"] = SNAKEPIT_STATE;
  }
}, 60_000);

test("without such a pit there is nothing to reload", async () => {
  const state = temporaryFolder();
  expect(await snakepit(state, "reload")).toMatchObject({ exitCode: 1, stdout: "", stderr: "No pit is open." });
  expect(await snakepit(state, "reload", "--run", "abc")).toMatchObject({ exitCode: 1, stderr: 'There is no pit with the run "abc".' });
});
