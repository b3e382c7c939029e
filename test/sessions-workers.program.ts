/** Runs every case of sessions with workers on this runtime and prints the ones that failed, as JSON by sentence. */
import { cases, open } from "./sessions-workers.cases.ts";

const failures: Record<string, string> = {};
let passed = 0;
const opened = await open();
for (const [sentence, run] of Object.entries(cases)) {
  try {
    await run(opened);
    passed++;
  } catch (error) {
    failures[sentence] = error instanceof Error ? String(error.stack) : String(error);
  }
}
await opened.pit.close();
console.log(JSON.stringify({ passed, failures }));
