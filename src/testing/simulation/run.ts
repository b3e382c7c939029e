/**
 * Plays histories: `run.ts FIRST COUNT` plays those of so many seeds and prints as JSON which broke a rule; `run.ts SEED` prints one, line by line.
 *
 * A process of its own, because the globals of whoever plays are not the real ones meanwhile.
 */
import { argv } from "node:process";
import { play } from "./history.ts";

const [first = 1, count] = argv.slice(2).map(Number);
if (count === undefined) {
  const { lines, broken } = await play(first);
  console.log([...lines, ...broken.map((rule) => `BROKEN: ${rule}`)].join("\n"));
} else {
  const failing: { readonly seed: number; readonly broken: readonly string[] }[] = [];
  let deaths = 0;
  let calls = 0;
  for (let seed = first; seed < first + count; seed++) {
    const { lines, broken } = await play(seed);
    if (broken.length > 0) failing.push({ seed, broken });
    deaths += lines.filter((line) => line.endsWith("dies of SIGKILL")).length;
    calls += lines.filter((line) => line.includes(" begins, ")).length;
  }
  console.log(JSON.stringify({ failing, deaths, calls }));
}
process.exit(0);
