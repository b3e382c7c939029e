/** `snakepit sessions`: sessions with what their makers may have put into them. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { behaviour, temporaryFolder } from "../../test/pool.support.ts";
import { type Served, serve } from "../gateway.ts";
import { Snakepit } from "../index.ts";
import { Sandbox } from "./cli.support.ts";

setDefaultTimeout(60_000);

const sandbox = new Sandbox();
const state = temporaryFolder();
let pit: Snakepit;
let gateway: Served;

beforeAll(async () => {
  const before = process.env["SNAKEPIT_STATE"];
  process.env["SNAKEPIT_STATE"] = state;
  try {
    pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  } finally {
    if (before === undefined) delete process.env["SNAKEPIT_STATE"];
    else process.env["SNAKEPIT_STATE"] = before;
  }
  gateway = await serve(pit, { port: 0, auth: "none" });
  await pit.session("a\u001b]0;title\u0007\u001b[31mb", { ttlMs: Number.POSITIVE_INFINITY });
});
afterAll(async () => {
  await gateway.close();
  await pit.close();
  sandbox.remove();
});

test.each([["here"], ["there"]])("one that lives for ever is listed, and its name says nothing to the terminal (%s)", async (where) => {
  const url = where === "there" ? ["--url", gateway.url] : [];
  const snakepit = (...args: string[]) => sandbox.snakepit([...args, ...url], { SNAKEPIT_STATE: state });
  const { exitCode, stdout, stderr } = await snakepit("sessions");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).toMatch(/^ab +0 .* for ever/m);
  expect(stdout).not.toMatch(/[^\P{Cc}\n]/u);
  expect(JSON.parse((await snakepit("sessions", "--json")).stdout)).toMatchObject([
    { sessions: [{ id: "a\u001b]0;title\u0007\u001b[31mb", ttlMs: null }] },
  ]);
  expect((await snakepit("top", "--once")).stdout).toMatch(/^ab +0 /m);
});

test("what a gateway says of a failure says nothing to the terminal either", async () => {
  const { exitCode, stderr } = await sandbox.snakepit(["kill", "a\u001b]0;title\u0007b", "--url", gateway.url]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'There is no worker "ab".' });
});
