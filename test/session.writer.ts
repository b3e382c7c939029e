/**
 * Writes to the session "shared" of a file, as many times as it is told: `session.writer.ts FILE COUNT [wait]`. With "wait" it says "ready" on stdout, and begins when
 * there is something on stdin.
 */
import { once } from "node:events";
import { writeSync } from "node:fs";
import process from "node:process";
import { Store } from "../src/session/service.ts";
import { bench } from "./session.support.ts";

const [file = "", count = "0", wait] = process.argv.slice(2);
const writer = await bench({ store: Store.layerSqlite({ file }) });
const { variables } = await writer.session("shared");
const names = ["a", "b", "c"];
for (const name of names) await variables.register(name, { type: "integer", value: 0, ifNotExists: true });
if (wait === "wait") {
  writeSync(1, "ready\n");
  await once(process.stdin, "data");
  process.stdin.destroy();
}
for (let i = 0; i < Number(count); i++) {
  // Every third time the three together.
  if (i % 3 === 2) await variables.setMany({ a: i, b: i, c: i });
  else await variables.update<number>(names[i % 3] ?? "a", (n) => n + 1);
}
await writer[Symbol.asyncDispose]();
