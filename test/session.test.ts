import { describe, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../src/session/service.ts";
import { cases } from "./session.cases.ts";
import { bench } from "./session.support.ts";

describe("over memory", () => {
  for (const [sentence, run] of Object.entries(cases)) test(sentence, () => run((options) => bench({ ...options })));
});

describe("over SQLite", () => {
  for (const [sentence, run] of Object.entries(cases)) {
    test(sentence, async () => {
      const folder = mkdtempSync(join(tmpdir(), "snakepit-sessions-"));
      try {
        await run((options) => bench({ ...options, store: Store.layerSqlite({ file: join(folder, "sessions.db") }) }));
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  }
});
