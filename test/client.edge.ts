/** Asks the handler of examples/edge in workerd, and prints its answers. Miniflare is a program for Node. */
import { resolve } from "node:path";
import process from "node:process";
import { Miniflare } from "miniflare";
import { bundledFile, COMPATIBILITY_DATE, WORKERD } from "./client.bundle.ts";

/** What a request is made with. */
interface Asked {
  readonly PIT_URL: string;
  readonly PIT_TOKEN: string;
  readonly path: string;
}

const script = await bundledFile(resolve(import.meta.dirname, "../examples/edge/worker.ts"), WORKERD);
const answers: { status: number; text: string }[] = [];
// What the test writes.
for (const { path, ...bindings } of JSON.parse(process.argv[2] ?? "[]") as Asked[]) {
  const workerd = new Miniflare({ modules: true, script, compatibilityDate: COMPATIBILITY_DATE, bindings });
  try {
    const response = await workerd.dispatchFetch(`http://edge${path}`);
    answers.push({ status: response.status, text: await response.text() });
  } finally {
    await workerd.dispose();
  }
}
console.log(JSON.stringify(answers));
process.exit();
