/** `snakepit top`: what it shows, and that the terminal is afterwards as it was. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { behaviour, failure, Lines, temporaryFolder, until } from "../../test/pool.support.ts";
import { runtimes } from "../../test/registry.support.ts";
import { createToken, type Served, serve } from "../gateway.ts";
import { Snakepit } from "../index.ts";
import { packageInfo } from "../runtime/package-root.ts";
import { Sandbox } from "./cli.support.ts";
import { TestTerminal } from "./terminal.support.ts";

setDefaultTimeout(60_000);

const sandbox = new Sandbox();
const state = temporaryFolder();
const token = createToken();
const narrow = createToken();
let pit: Snakepit;
let gateway: Served;

beforeAll(async () => {
  pit = await openHere();
  gateway = await serve(pit, {
    port: 0,
    auth: {
      tokens: [
        { token, name: "operator", scopes: ["*"] },
        { token: narrow, name: "caller", scopes: ["tool:*"] },
      ],
    },
  });
  const session = await pit.session("user-42");
  await session.variables.register("x", { type: "integer", value: 1 });
  await failure(pit.execute("die", {}));
  await until(() => pit.stats().crashes === 1 && pit.stats().ready === 2);
});
afterAll(async () => {
  await gateway.close();
  await pit.close();
  sandbox.remove();
});

const lines = new Lines();

/** Opens a pit of this process where `snakepit` looks for it. */
async function openHere(): Promise<Snakepit> {
  const { SNAKEPIT_STATE: before } = process.env;
  process.env["SNAKEPIT_STATE"] = state;
  try {
    return await Snakepit.open({ pools: { main: { tools: behaviour, workers: 2 } }, onLog: lines.onLog });
  } finally {
    if (before === undefined) delete process.env["SNAKEPIT_STATE"];
    else process.env["SNAKEPIT_STATE"] = before;
  }
}

const main = join(packageInfo().root, "src", "cli", "main.ts");
const top = (
  options: { runtime?: keyof typeof runtimes; columns?: number; rows?: number; env?: Record<string, string> } = {},
  ...args: string[]
): TestTerminal =>
  new TestTerminal([...runtimes[options.runtime ?? "bun"], main, "top", "--interval", "0.1", ...args], {
    ...options,
    env: { SNAKEPIT_STATE: state, HOME: sandbox.folder, ...options.env },
  });
const has = (text: string | RegExp) => (shown: readonly string[]) => shown.some((line) => line.match(text) !== null);
const once = (...args: string[]) => sandbox.snakepit(["top", "--once", "--interval", "0.1", ...args], { SNAKEPIT_STATE: state });

for (const runtime of ["bun", "node", "deno"] as const) {
  test(`it draws, follows the size, and leaves the terminal as it was (${runtime})`, async () => {
    await using terminal = top({ runtime, columns: 90, rows: 24 });
    const { modes } = terminal;
    await terminal.shows(has(/main-\d {2}Worker main-\d ended with exit code 3/));
    expect(terminal.isOther).toBeTrue();
    expect(terminal.lines[0]).toMatch(/^Snakepit {2}run \w{16} of process \d+ {2}healthy/);
    expect(terminal.lines.findIndex((line) => /^main +healthy +2\/2 +0 /.test(line))).toBeGreaterThan(0);

    terminal.resize(40, 10);
    await terminal.shows((shown) => shown[0]?.endsWith("…") === true);
    expect(terminal.lines[1]).toMatch(/^1 calls, .{30}…$/);
    terminal.resize(100, 40);
    await terminal.shows(has("user-42"));

    terminal.press("q");
    expect(await terminal.exited).toBe(0);
    await terminal.shows(() => !terminal.isOther);
    expect(terminal.modes).toEqual(modes);
    expect(terminal.written).toEndWith("\u001b[?7h\u001b[?25h\u001b[?1049l");
  });
}

describe("the terminal is as it was after", () => {
  test.each([
    ["Ctrl-C", (terminal: TestTerminal) => terminal.press("\u0003")],
    ["SIGINT", (terminal: TestTerminal) => terminal.kill("SIGINT")],
    ["SIGTERM", (terminal: TestTerminal) => terminal.kill("SIGTERM")],
  ])("%s", async (_, end) => {
    await using terminal = top();
    const { modes } = terminal;
    await terminal.shows(has(/^main-\d +main +ready /));
    expect(terminal.modes).not.toEqual(modes);
    end(terminal);
    expect(await terminal.exited).toBe(0);
    await terminal.shows(() => !terminal.isOther);
    expect(terminal.modes).toEqual(modes);
  });

  test("the end of the pit, which is said", async () => {
    const other = await openHere();
    const [own = ""] =
      (await sandbox.snakepit(["workers", "--json"], { SNAKEPIT_STATE: state })).stdout.match(/(?<="run": ")\w+/g)?.slice(1) ?? [];
    expect(await once()).toMatchObject({
      exitCode: 1,
      stdout: "",
      stderr: expect.stringContaining(`--run ${own} (process ${process.pid})`),
    });
    await using terminal = top({}, "--run", own);
    const { modes } = terminal;
    await terminal.shows(has(/^main-\d +main +ready /));
    await other.close();
    expect(await terminal.exited).toBe(0);
    await terminal.shows(has("The pit is closed."));
    await terminal.shows(() => !terminal.isOther);
    expect(terminal.modes).toEqual(modes);
  });
});

test("a call is shown while it runs, and what it prints, without what it says to terminals", async () => {
  await using terminal = top();
  const stop = new AbortController();
  const running = failure(pit.execute("work", { name: "long\u001b]0;title\u0007\u001b[31m", seconds: 60 }, { signal: stop.signal }));
  await terminal.shows(has(/^work +main +– +main-\d +\d/));
  await terminal.shows(has(/main-\d {2}long began$/));
  expect(terminal.written).not.toContain("title");
  expect(JSON.parse((await once("--json")).stdout)).toMatchObject({
    health: "healthy",
    calls: [{ tool: "work", pool: "main" }],
    liveCalls: 1,
    pools: [{ name: "main", counters: { crashes: 1 }, latency: {} }],
    recentSessions: [{ id: "user-42", variables: 1 }],
  });
  stop.abort();
  expect((await running)._tag).toBe("Cancelled");
  await terminal.shows(has(/ 0 under way/));
});

describe("printed once", () => {
  test("it is plain text", async () => {
    const { exitCode, stdout, stderr } = await once();
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).not.toContain("\u001b");
    const titles = stdout.split("\n").filter((_, at, all) => all[at - 1] === "");
    expect(titles).toEqual(["Pools", "Workers: 2", "Sessions: 1", "Last crash", "Log"]);
  });

  test("it has colours on a terminal, unless NO_COLOR forbids them", async () => {
    await using coloured = top({}, "--once");
    expect(await coloured.exited).toBe(0);
    expect(coloured.written).toContain("\u001b[32mhealthy\u001b[39m");
    await using plain = top({ env: { NO_COLOR: "1" } }, "--once");
    expect(await plain.exited).toBe(0);
    expect(plain.written).toContain("healthy");
    expect(plain.written).not.toContain("\u001b");
  });

  test("it says the same of the pit behind a gateway, to whoever may administer", async () => {
    const at = (token: string, ...args: string[]) =>
      sandbox.snakepit(["top", "--once", "--json", "--interval", "0.1", "--url", gateway.url, ...args], { SNAKEPIT_TOKEN: token });
    const { at: _, ...there } = JSON.parse((await at(token)).stdout);
    const { at: __, ...here } = JSON.parse((await once("--json")).stdout);
    const still = (sample: typeof here) => ({
      ...sample,
      workers: sample.workers.map(({ id, pid, calls }: { id: string; pid: number; calls: number }) => ({ id, pid, calls })),
      pools: sample.pools.map(({ name, counters }: { name: string; counters: object }) => ({ name, counters })),
      recentSessions: sample.recentSessions.map(({ id }: { id: string }) => id),
      events: sample.events.map(({ type, text }: { type: string; text: string }) => ({ type, text })),
    });
    expect(still(there)).toEqual(still(here));
    expect(await at(narrow)).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("PermissionDenied") });
    expect(await at("")).toMatchObject({ exitCode: 1, stdout: "", stderr: expect.stringContaining("Unauthenticated") });
    const file = sandbox.write("token", `${token}\n`);
    expect(await at("", "--token-file", file)).toMatchObject({ exitCode: 0 });
  });
});

test("a line of JSON comes for each look, for as long as it is read", async () => {
  const { stdout, stderr } = await sandbox.shell(
    '"$@" | { read a; read b; echo "$a"; echo "$b"; }',
    ["top", "--json", "--interval", "0.1"],
    {
      SNAKEPIT_STATE: state,
    },
  );
  const [first, second] = stdout.split("\n").map((line) => JSON.parse(line));
  expect(Date.parse(second.at)).toBeGreaterThan(Date.parse(first.at));
  expect(stderr).toBe("");
});

test.each([
  [["--interval", "0"], 2, "a number from 0.1 to 10"],
  [["--url", "nowhere"], 2, "an http: or https: URL"],
  [["--url", "http://127.0.0.1:1", "--run", "x"], 2, "no --url beside it"],
  [["--url", "http://127.0.0.1:1", "--token-file", "/nowhere/token"], 2, "a file that can be read"],
  [["--url", "http://127.0.0.1:1"], 1, "ConnectionLost"],
  [["--run", "nobody"], 1, 'There is no pit with the run "nobody".'],
])("%j is answered with what is wrong", async (args, exitCode, said) => {
  expect(await sandbox.snakepit(["top", ...args], { SNAKEPIT_STATE: state })).toMatchObject({
    exitCode,
    stdout: "",
    stderr: expect.stringContaining(said),
  });
});
