/** A listener of events that throws every time, beside one that reads. */
import process from "node:process";
import { type PitEvent, Snakepit } from "../../src/index.ts";

let thrown = 0;
process.on("uncaughtException", () => thrown++);
let told = 0;
const pit = await Snakepit.open({
  tools: "test/tools/behaviour.py",
  workers: 1,
  onEvent() {
    told++;
    throw new Error("from the listener");
  },
});
const read = pit.events();
console.log(await pit.execute("square", { n: 3 }));
await pit.close();
const events: PitEvent[] = [];
for await (const event of read) events.push(event);
console.log(
  events
    .map(({ type }) => type)
    .filter((type) => type.startsWith("call."))
    .join(" "),
);
await new Promise((resolve) => setImmediate(resolve));
console.log(told >= events.length && thrown === told);
