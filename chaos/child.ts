/** One scenario in a process of its own: `child.ts ORDER_JSON`. Its findings are the last line of stdout. */
import { Random } from "../src/testing/random.ts";
import type { Chaos, Findings } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { tagOf } from "./support.ts";

/** What run.ts asks for. */
interface Order {
  readonly name: string;
  readonly seed: number;
  readonly forMs: number;
  readonly quick: boolean;
  readonly replay?: string;
  readonly run: string;
}

// Written by run.ts just now.
const order = JSON.parse(process.argv[2] ?? "{}") as Order;
const scenario = scenarios[order.name];
if (scenario === undefined) throw new Error(`there is no scenario "${order.name}"`);

/** What nobody caught. It is a fault of the host, whatever the scenario says. */
const uncaught: string[] = [];
const note = (error: unknown): void => {
  uncaught.push(`nobody caught ${tagOf(error)}: ${error instanceof Error ? (error.stack ?? "") : ""}`);
};
process.on("uncaughtException", note);
process.on("unhandledRejection", note);

const chaos: Chaos = {
  seed: order.seed,
  random: new Random(order.seed),
  from: (seed) => new Random(seed),
  until: performance.now() + order.forMs,
  quick: order.quick,
  replay: order.replay,
  marker: `CHAOS_RUN=${order.run}`,
  progress: (text) => process.stderr.write(`  ${text}\n`),
};
const findings = await scenario.run(chaos).catch((error: unknown): Findings => {
  note(error);
  return { figures: {}, violations: [], gaps: [] };
});
console.log(JSON.stringify({ ...findings, violations: [...findings.violations, ...uncaught] }));
process.exit(0);
