/** A listener of logs that throws once. */
import process from "node:process";
import { Snakepit } from "../../src/index.ts";

const thrown = new Promise<unknown>((resolve) => process.once("uncaughtException", resolve));
let told = false;
const pit = await Snakepit.open({
  tools: "test/tools/behaviour.py",
  workers: 1,
  onLog() {
    if (told) return;
    told = true;
    throw new Error("from the listener");
  },
});
console.log(await pit.execute("garbage"));
const error = await thrown;
console.log(error instanceof Error ? error.message : error);
console.log(await pit.execute("square", { n: 2 }));
await pit.close();
