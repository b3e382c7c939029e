/** Looking after the pit behind a gateway. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { behaviour, until } from "../../test/pool.support.ts";
import { createToken, type Served, serve } from "../gateway.ts";
import { Snakepit } from "../index.ts";
import { Sandbox } from "./cli.support.ts";

setDefaultTimeout(60_000);

const sandbox = new Sandbox();
const token = createToken();
const looking = createToken();
let pit: Snakepit;
let gateway: Served;

beforeAll(async () => {
  pit = await Snakepit.open({ tools: behaviour, workers: 1 });
  gateway = await serve(pit, {
    port: 0,
    auth: {
      tokens: [
        { token, name: "operator", scopes: ["*"] },
        { token: looking, name: "looker", scopes: ["admin:read"] },
      ],
    },
  });
});
afterAll(async () => {
  await gateway.close();
  await pit.close();
  sandbox.remove();
});

const snakepit = (args: readonly string[], as = token) => sandbox.snakepit([...args, "--url", gateway.url], { SNAKEPIT_TOKEN: as });

test("its workers and sessions are listed", async () => {
  await pit.session("user-42");
  const [{ id, pid } = { id: "", pid: 0 }] = await pit.workers();
  expect((await snakepit(["workers"])).stdout.split("\n").map((line) => line.split(/ {2,}/).slice(0, 4))).toEqual([
    ["worker", expect.stringContaining("pid"), "pool", "status"],
    [id, String(pid), "default", "ready"],
  ]);
  expect(JSON.parse((await snakepit(["workers", "--json"])).stdout)).toMatchObject([{ url: gateway.url, workers: [{ id, pid }] }]);
  expect((await snakepit(["sessions"])).stdout).toContain("user-42");
  expect(JSON.parse((await snakepit(["sessions", "--json"])).stdout)).toMatchObject([{ url: gateway.url, sessions: [{ id: "user-42" }] }]);
});

test("a worker is killed, and the tools are taken up anew", async () => {
  const before = (await pit.workers())[0]?.id ?? "";
  const killed = await snakepit(["kill", before]);
  expect(killed).toMatchObject({ exitCode: 0, stdout: `Killed worker ${before} of the pit behind ${gateway.url}.` });
  await until(() => pit.stats().crashes === 1 && pit.stats().ready === 1);
  expect(await snakepit(["kill", before, "--json"])).toMatchObject({ exitCode: 1, stdout: "", stderr: `There is no worker "${before}".` });
  const after = (await pit.workers())[0]?.id ?? "";
  const reloaded = await snakepit(["reload", "--json"]);
  expect(reloaded.exitCode).toBe(0);
  expect(JSON.parse(reloaded.stdout)).toEqual([{ url: gateway.url, reloaded: true, reason: "" }]);
  // The one with the old tools is told to end once the new one is ready.
  await until(async () => !(await pit.workers()).some(({ id }) => id === after));
});

test("who may only look kills and reloads nothing", async () => {
  const [{ id } = { id: "" }] = await pit.workers();
  expect((await snakepit(["workers"], looking)).exitCode).toBe(0);
  expect((await snakepit(["sessions"], looking)).stdout).toContain("user-42");
  expect(await snakepit(["kill", id], looking)).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("PermissionDenied") });
  expect(await snakepit(["reload"], looking)).toMatchObject({
    exitCode: 1,
    stdout: "",
    stderr: expect.stringContaining("goes on with the tools"),
  });
  expect((await pit.workers())[0]?.id).toBe(id);
});

test.each([[["kill", "--stale"]], [["kill", "main-1", "--run", "x"]], [["reload", "--run", "x"]]])(
  "%j does not go with --url",
  async (args) => {
    expect(await snakepit(args)).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining("no --url beside it") });
  },
);

test.each(["top", "workers", "sessions", "reload", "kill"])("%s takes no token without --url", async (command) => {
  const file = sandbox.write("operator.token", token);
  const refused = await sandbox.snakepit([command, "--token-file", file]);
  expect(refused.stderr).not.toContain(token);
  expect(refused).toMatchObject({ exitCode: 2, stdout: "", stderr: expect.stringContaining("beside --url") });
});
