/** Runs every case of sessions over every store on this runtime and prints the ones that failed, as JSON by sentence. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Store } from "../src/session/service.ts";
import { cases } from "./session.cases.ts";
import { bench } from "./session.support.ts";

const folder = mkdtempSync(join(tmpdir(), "snakepit-sessions-"));
const failures: Record<string, string> = {};
let passed = 0;
for (const [i, [sentence, run]] of Object.entries(cases).entries()) {
  for (const [name, store] of Object.entries({
    memory: Store.layerMemory,
    SQLite: Store.layerSqlite({ file: join(folder, `${i}.db`) }),
  })) {
    try {
      await run((options) => bench({ ...options, store }));
      passed++;
    } catch (error) {
      failures[`${sentence} (${name})`] = error instanceof Error ? String(error.stack) : String(error);
    }
  }
}
rmSync(folder, { recursive: true });
console.log(JSON.stringify({ passed, failures }));
