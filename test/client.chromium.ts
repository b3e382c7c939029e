/** Runs the cases of the client in Chromium, as client.program.ts does on other runtimes. */
import process from "node:process";
import { openChromium } from "./browser.support.ts";
import { bundled } from "./client.bundle.ts";

const [bench = "", only = ""] = process.argv.slice(2);
const script = await bundled(`
  import { runCases } from "./test/client.cases.ts";
  globalThis.runCases = runCases;`);
const browser = await openChromium();
try {
  const page = await browser.newPage();
  const { control } = JSON.parse(bench) as { control: string };
  await page.goto(`${control}/page`);
  await page.addScriptTag({ type: "module", content: script });
  await page.waitForFunction("globalThis.runCases !== undefined");
  console.log(JSON.stringify(await page.evaluate(`globalThis.runCases(${bench}, ${JSON.stringify(only)})`)));
} finally {
  await browser.close();
}
process.exit();
