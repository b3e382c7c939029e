/** Where calls run that are sent again. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Snakepit } from "../src/index.ts";
import { killWorker } from "../src/testing.ts";
import { temporaryFolder, toolFile, until } from "./pool.support.ts";

test("a worker kept for a call that has to run alone is free again when the call runs on another", async () => {
  const gates = temporaryFolder();
  const open = (gate: string): void => writeFileSync(join(gates, gate), "");
  await using pit = await Snakepit.open({ tools: toolFile("gated"), workers: 2, env: { GATES: gates }, retryBackoffMs: 20 });
  await pit.ready();
  await Promise.all(Array.from({ length: 64 }, () => pit.execute("quick")));
  // Two calls on each worker, the first and the third on the first. When that dies, they are suspects, which have to run alone.
  const [a, b, c, d] = ["a", "b", "c", "d"].map((gate) => pit.execute<string>("quick", { gate }));
  await killWorker(pit, (await pit.workers())[0]?.id);
  await until(() => pit.stats().queued === 2);
  // The other worker is kept for them while it still has a call; then the replacement comes before it is free.
  open("b");
  expect(await b).toBe("b");
  open("replacements");
  await until(() => pit.stats().ready === 2);
  open("a");
  open("c");
  expect(await Promise.all([a, c])).toEqual(["a", "c"]);
  open("d");
  expect(await d).toBe("d");
  const both = [pit.execute<string>("quick", { gate: "e" }), pit.execute<string>("quick", { gate: "e" })];
  expect(pit.stats().queued).toBe(0);
  expect((await pit.workers()).map((worker) => worker.status)).toEqual(["busy", "busy"]);
  open("e");
  expect(await Promise.all(both)).toEqual(["e", "e"]);
});
