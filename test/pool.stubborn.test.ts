/** An asynchronous tool that ignores its cancel, among others that do not. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Snakepit } from "../src/index.ts";
import { failure, Lines, temporaryFolder } from "./pool.support.ts";

const TOOLS = `
import asyncio
from snakepit import tool

@tool
async def stubborn() -> None:
    print("stubborn began", flush=True)
    while True:
        try:
            await asyncio.sleep(0.05)
        except BaseException:
            pass

@tool
async def doze() -> None:
    await asyncio.sleep(60)
`;
const MOST = 400;

test("it costs its worker after the grace period although others there are cancelled all the time", async () => {
  const tools = join(temporaryFolder(), "tools.py");
  writeFileSync(tools, TOOLS);
  const lines = new Lines();
  await using pit = await Snakepit.open({ tools, workers: 1, graceMs: 300, onLog: lines.onLog });
  const [first] = await pit.workers();
  const controller = new AbortController();
  const stubborn = failure(pit.execute("stubborn", {}, { signal: controller.signal }));
  await lines.said("stubborn began");
  controller.abort();
  expect(await stubborn).toMatchObject({ _tag: "Cancelled" });
  let replaced = false;
  let cancelled = 0;
  const doze = async (): Promise<void> => {
    while (!replaced && cancelled++ < MOST) {
      await failure(pit.execute("doze", {}, { timeoutMs: 20 }));
      replaced = (await pit.workers()).every(({ id, status }) => id !== first?.id || status === "draining");
    }
  };
  await Promise.all([doze(), doze(), doze()]);
  expect(replaced).toBe(true);
  expect(cancelled).toBeLessThan(MOST);
});
