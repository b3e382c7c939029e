/** Runs the cases of gateway.http.cases.ts on the runtime that runs this file, and prints what went wrong with each, "" when nothing did. */
import { cases } from "./gateway.http.cases.ts";

const LIMIT_MS = 40_000;

const outcomes = await Promise.all(
  Object.entries(cases).map(async ([sentence, run]) => {
    const late = new Promise<never>((_, reject) => setTimeout(reject, LIMIT_MS, new Error(`it took longer than ${LIMIT_MS} ms`)).unref?.());
    const outcome = await Promise.race([run(), late]).then(
      () => "",
      (error: unknown) => (error instanceof Error ? (error.stack ?? error.message) : String(error)),
    );
    return [sentence, outcome];
  }),
);
console.log(JSON.stringify(Object.fromEntries(outcomes)));
process.exit(0);
