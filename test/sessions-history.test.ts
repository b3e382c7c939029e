/** What many do to the same variables at once, from both languages and while workers are killed, could have been done one after the other. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { sqlite } from "../src/index.ts";
import { runHistory } from "./history.run.ts";
import { faultsOf } from "./history.ts";
import { temporaryFolder } from "./pool.support.ts";

const seeds = (process.env["SNAKEPIT_HISTORY_SEEDS"] ?? "1").split(",").map(Number);
const stores = {
  memory: () => undefined,
  SQLite: () => sqlite({ file: join(temporaryFolder("history-"), "sessions.db") }),
};

for (const [kind, store] of Object.entries(stores)) {
  describe(`over ${kind}`, () => {
    for (const seed of seeds) {
      test(`every history is linearizable, and watchers miss nothing (seed ${seed})`, async () => {
        const { history, operations, killed } = await runHistory(seed, store());
        expect(faultsOf(history)).toEqual([]);
        expect(operations).toBeGreaterThanOrEqual(10_000);
        expect(killed).toBeGreaterThanOrEqual(5);
        expect(history.watched.filter(({ complete }) => complete)).toHaveLength(4);
      }, 120_000);
    }
  });
}
