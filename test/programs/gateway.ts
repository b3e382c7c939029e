/** A gateway as a program of its own: options as JSON in its only argument, its URL as JSON on stdout, closed by SIGTERM or when nobody reads on. */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type ServeOptions, serve } from "../../src/gateway.ts";
import { Snakepit } from "../../src/index.ts";

const [text = "{}"] = process.argv.slice(2);
// What the tests write.
const options = JSON.parse(text) as ServeOptions;
const tools = ["api", "behaviour"].map((name) => fileURLToPath(new URL(`../tools/${name}.py`, import.meta.url)));
const pit = await Snakepit.open({ tools, workers: 1, onLog: () => {} });
const gateway = await serve(pit, { port: 0, ...options });
const close = async (): Promise<void> => {
  await gateway.close();
  await pit.close();
  process.exit(0);
};
process.once("SIGTERM", () => void close());
process.stdin.on("end", () => void close()).resume();
console.log(JSON.stringify({ url: gateway.url }));
