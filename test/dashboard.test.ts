/** The dashboard as people meet it: in Chromium, by what they see and press. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { createToken, type Served, serve } from "../src/gateway.ts";
import { Snakepit } from "../src/index.ts";
import { openChromium } from "./browser.support.ts";
import { chromiumPath } from "./chromium.ts";
import { toolFile } from "./pool.support.ts";

const axe = readFileSync(fileURLToPath(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const token = createToken();
const looker = createToken();
const outsider = createToken();
const views = ["overview", "workers", "calls", "sessions", "tools", "logs"];

describe.skipIf(chromiumPath === undefined)("the dashboard", () => {
  let pit: Snakepit;
  let gateway: Served;
  let browser: Browser;
  let page: Page;
  /** What went wrong in the page that nobody asked for. */
  let faults: string[];

  beforeAll(async () => {
    browser = await openChromium();
  }, 60_000);
  afterAll(() => browser.close());

  beforeEach(async () => {
    pit = await Snakepit.open({ tools: toolFile("dashboard"), workers: 2, onLog: () => {} });
    const tokens = [
      { token, name: "operator", scopes: ["tool:*", "session:all:write", "admin:write"] },
      { token: looker, name: "looker", scopes: ["admin:read"] },
      { token: outsider, name: "outsider", scopes: ["tool:*"] },
    ];
    gateway = await serve(pit, { port: 0, auth: { tokens } });
    page = await (await browser.newContext()).newPage();
    faults = [];
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("console", (message) => {
      // A browser logs every status that is not 200 by itself.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) faults.push(message.text());
    });
  });
  afterEach(async () => {
    await page.context().close();
    await gateway.close();
    await pit.close();
    expect(faults).toEqual([]);
  });

  /** Opens a view as the operator. */
  async function open(view: string): Promise<void> {
    await page.goto(`${gateway.url}/#token=${token}`);
    await page.getByRole("link", { name: view, exact: true }).click();
    await page.getByRole("heading", { level: 1, name: view }).waitFor();
  }

  const row = (name: string) => page.getByRole("row").filter({ hasText: name });

  test("asks for a token, says when one will not do, and keeps one out of the address", async () => {
    await page.goto(gateway.url);
    const field = page.getByLabel("Token of this gateway");
    await field.fill("skp_wrong");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByText("This token is not valid").waitFor();
    await field.fill(outsider);
    await field.press("Enter");
    await page.getByText("This token may not look after the pit.").waitFor();
    await page.goto(`${gateway.url}/#token=${token}`);
    // The same page, as far as the browser knows: only the fragment is another.
    await page.reload();
    await page.getByRole("status").filter({ hasText: "healthy" }).waitFor();
    expect(page.url()).not.toContain(token);
    await page.getByRole("button", { name: "Forget token" }).click();
    await field.waitFor();
    await page.reload();
    await field.waitFor();
  });

  test("asks for a token when a link has one that cannot be read, or be sent", async () => {
    for (const text of ["%", encodeURIComponent("€")]) {
      await page.goto(`${gateway.url}/?${text.length}#token=${text}`);
      await page.getByLabel("Token of this gateway").waitFor();
    }
  });

  test("asks nobody but its gateway", async () => {
    const others: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(gateway.url) && !request.url().startsWith("data:")) others.push(request.url());
    });
    await open("Overview");
    for (const view of views) await page.goto(`${gateway.url}/#${view}`);
    expect(others).toEqual([]);
  });

  test("shows how the pit is doing", async () => {
    await open("Overview");
    for (let n = 0; n < 20; n++) await pit.execute("add", { a: n });
    await row("default").filter({ hasText: "2 of 2" }).filter({ hasText: "20" }).waitFor();
    await page.locator("canvas").first().waitFor();
    await page.getByText("p99").first().waitFor();
  });

  test("kills a worker, which is replaced", async () => {
    await open("Workers");
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "Kill default-1" }).click();
    await row("default-3").filter({ hasText: "ready" }).waitFor();
    expect(pit.stats().crashes).toBe(1);
  });

  test("a token that may only look cannot change anything, and is told so", async () => {
    await pit.ready();
    const { started } = pit.stats();
    await page.goto(`${gateway.url}/#token=${looker}`);
    await page.getByRole("link", { name: "Workers" }).click();
    await page.getByRole("button", { name: "Reload tools" }).click();
    await page.getByText("Not allowed: to administer.").waitFor();
    expect(pit.stats().started).toBe(started);
  });

  test("cancels a call", async () => {
    await open("Calls");
    const call = pit.execute("wait", { seconds: 600 }).catch((error: { readonly _tag: string }) => error._tag);
    await page.getByRole("button", { name: "Cancel wait" }).click();
    expect(await call).toBe("Cancelled");
    await page.getByText("No call waits or runs.").waitFor();
  });

  test("shows variables as they change", async () => {
    await using session = await pit.session("user-42");
    await session.variables.register("temperature", { type: "float", value: 0.5 });
    await open("Sessions");
    await page.getByRole("button", { name: "user-42" }).click();
    const variable = row("temperature");
    await variable.filter({ hasText: "0.5" }).waitFor();
    await session.execute("remember", { value: 1.25 });
    await variable.filter({ hasText: "1.25" }).filter({ hasText: "python, remember" }).waitFor();
    await session.variables.delete("temperature");
    await page.getByText("It has no variables.").waitFor();
    page.on("dialog", (dialog) => void dialog.accept());
    await page.getByRole("button", { name: "End session" }).click();
    await page.getByText("The session has ended.").waitFor();
    // It looks for the session again and again, and makes none.
    const asked = (): Promise<unknown> => page.waitForResponse((response) => response.url().endsWith("/ListSessions"));
    for (let n = 0; n < 4; n++) await asked();
    expect(await pit.sessions()).toEqual([]);
  }, 60_000);

  test("tries a tool: a result, a stream, a failure with its traceback, a wrong argument", async () => {
    await open("Tools");
    const result = page.getByTestId("result");
    await page.getByRole("button", { name: "add" }).click();
    await page.getByLabel("a float").fill("1.5");
    await page.getByLabel("b float, default 0.0").fill("2");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await result.filter({ hasText: "3.5" }).waitFor();
    await page.getByLabel("a float").fill("many");
    await page.keyboard.press("Enter");
    await result.filter({ hasText: "InvalidArguments" }).waitFor();
    await page.getByRole("button", { name: "countdown" }).click();
    await page.getByLabel("start int").fill("3");
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByText("3 items in").waitFor();
    expect((await result.textContent())?.split("\n")).toEqual(["3", "2", "1"]);
    await page.getByRole("button", { name: "fail" }).click();
    await page.getByLabel("words str").fill("no such luck");
    await page.getByRole("button", { name: "Call", exact: true }).click();
    await result.filter({ hasText: "no such luck" }).waitFor();
  });

  test("shows what tools print, and how a worker died", async () => {
    await open("Logs");
    await pit.execute("wait", { seconds: 0 });
    await page.getByRole("log").getByText("waiting has begun").waitFor();
    await pit.execute("end", {}, { retry: "never" }).catch(() => {});
    await page.locator("summary").filter({ hasText: "ended with exit code 3" }).click();
    await page.getByText('"exitCode": 3').waitFor();
    // Somebody who comes later is told as well.
    await page.reload();
    await page.locator("summary").filter({ hasText: "ended with exit code 3" }).waitFor();
  });

  test("says when the gateway is gone, and goes on when it is back", async () => {
    await open("Overview");
    const { port } = gateway;
    await gateway.close();
    await page.getByRole("status").filter({ hasText: "no connection" }).waitFor();
    gateway = await serve(pit, { port, auth: { tokens: [{ token, name: "operator", scopes: ["admin:write"] }] } });
    await page.getByRole("status").filter({ hasText: "healthy" }).waitFor();
  });

  test("can be used with the keyboard alone", async () => {
    await open("Overview");
    await page.reload();
    await page.getByRole("status").filter({ hasText: "healthy" }).waitFor();
    const focused = (): Promise<string> => page.evaluate("document.activeElement?.textContent ?? ''");
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("To the content");
    while ((await focused()) !== "Tools") await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    while ((await focused()).trim() !== "add") await page.keyboard.press("Tab");
    await page.keyboard.press("Space");
    await page.getByRole("form", { name: "Try add" }).waitFor();
  });

  for (const colorScheme of ["light", "dark"] as const) {
    test(`nothing in it keeps anybody out, ${colorScheme}`, async () => {
      await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      await using session = await pit.session("user-42");
      await session.variables.register("temperature", { type: "float", value: 0.5 });
      const call = pit.execute("wait", { seconds: 600 }).catch(() => {});
      await pit.execute("end", {}, { retry: "never" }).catch(() => {});
      await page.goto(gateway.url);
      await page.getByLabel("Token of this gateway").waitFor();
      await page.evaluate(axe);
      const violations = async (): Promise<string[]> => {
        const results = (await page.evaluate("axe.run()")) as AxeResults;
        return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      };
      expect(await violations()).toEqual([]);
      await page.getByLabel("Token of this gateway").fill(token);
      await page.keyboard.press("Enter");
      for (const view of ["Overview", "Workers", "Calls", "Sessions", "Tools", "Logs"]) {
        await page.getByRole("link", { name: view, exact: true }).click();
        await page.getByRole("heading", { level: 1, name: view }).waitFor();
        if (view === "Calls") await row("wait").waitFor();
        if (view === "Sessions") {
          await page.getByRole("button", { name: "user-42" }).click();
          await row("temperature").waitFor();
        }
        if (view === "Tools") await page.getByRole("button", { name: "add" }).click();
        if (view === "Logs") await page.getByRole("log").getByText("waiting has begun").waitFor();
        expect(await violations()).toEqual([]);
      }
      await page.getByRole("link", { name: "Calls" }).click();
      await page.getByRole("button", { name: "Cancel wait" }).click();
      await call;
    });
  }
});
