/** The examples of examples/edge: the page as people use it in Chromium, and the handler in workerd. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import type { Browser, Page } from "playwright-core";
import { createToken, type Served, serve } from "../src/gateway.ts";
import { Snakepit } from "../src/index.ts";
import { openChromium } from "./browser.support.ts";
import { chromiumPath } from "./chromium.ts";
import { bundledFile } from "./client.bundle.ts";
import { Lines, until } from "./pool.support.ts";

const root = resolve(import.meta.dirname, "..");
const example = (file: string): string => resolve(root, "examples", file);
const token = createToken();
const lines = new Lines();
let pit: Snakepit;
let gateway: Served;
let pages: Bun.Server<undefined>;

beforeAll(async () => {
  pit = await Snakepit.open({ tools: [example("tools.py"), example("slow.py")], workers: 2, onLog: lines.onLog });
  const script = await bundledFile(example("edge/page.ts"));
  pages = Bun.serve({
    port: 0,
    routes: {
      "/page.html": new Response(Bun.file(example("edge/page.html"))),
      "/page.js": new Response(script, { headers: { "content-type": "text/javascript" } }),
    },
  });
  const tokens = [{ token, name: "page", scopes: ["tool:*", "session:own:write"] }];
  gateway = await serve(pit, { port: 0, auth: { tokens }, cors: [pages.url.origin] });
}, 60_000);

afterAll(async () => {
  await gateway.close();
  await pit.close();
  await pages.stop(true);
});

describe.skipIf(chromiumPath === undefined)("a page of another origin", () => {
  let browser: Browser;
  let page: Page;
  /** What went wrong in the page. */
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await openChromium();
    page = await browser.newPage();
    page.on("pageerror", (error) => faults.push(error.message));
    await page.goto(`${pages.url.origin}/page.html#url=${gateway.url}&token=${token}`);
    await page.locator("#temperature output").filter({ hasText: "0.7" }).waitFor();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    expect(faults).toEqual([]);
  });

  test("calls", async () => {
    await page.getByLabel("a", { exact: true }).fill("20.5");
    await page.getByRole("button", { name: "Add" }).click();
    await page.locator("#add output").filter({ hasText: "22.5" }).waitFor();
  });

  test("streams", async () => {
    await page.getByRole("button", { name: "Stream" }).click();
    await page.locator("#words output").filter({ hasText: "one | two | three" }).waitFor();
  });

  test("cancels", async () => {
    await page.getByRole("button", { name: "Think" }).click();
    await page.locator("#think output").filter({ hasText: "thinking" }).waitFor();
    const said = lines.said("interrupted");
    await until(async () => (await pit.workers()).some(({ status }) => status === "busy"));
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator("#think output").filter({ hasText: "Cancelled" }).waitFor();
    await said;
  });

  test("watches a variable, whoever changes it", async () => {
    await page.getByLabel("Temperature").fill("1.5");
    await page.getByRole("button", { name: "Set" }).click();
    await page.locator("#temperature output").filter({ hasText: "1.5" }).waitFor();
    await using session = await pit.session("page");
    await session.variables.set("temperature", 0.25);
    await page.locator("#temperature output").filter({ hasText: "0.25" }).waitFor();
    await page.getByLabel("Temperature").fill("9");
    await page.getByRole("button", { name: "Set" }).click();
    await page.locator("#temperature output").filter({ hasText: "VariableInvalid" }).waitFor();
  });
});

test("a handler in workerd streams what Python yields, and says when it may not", async () => {
  const program = [`${root}/node_modules/.bin/node`, "--no-warnings", "test/client.edge.ts"];
  const asked = [
    { PIT_TOKEN: token, path: "/?prompt=one+two" },
    { PIT_TOKEN: createToken(), path: "/?prompt=one" },
  ].map((one) => ({ ...one, PIT_URL: gateway.url }));
  const child = Bun.spawn([...program, JSON.stringify(asked)], { cwd: root, stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(err);
  expect(JSON.parse(out)).toEqual([
    { status: 200, text: "one\ntwo\n" },
    { status: 502, text: '{"error":"Unauthenticated"}' },
  ]);
}, 60_000);
