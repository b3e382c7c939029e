/**
 * Writes to the sessions of a file until it is killed, and says on stdout what was acknowledged: a line with the name and the version each. With a
 * count it stops after as many; with "wait" it begins when there is something on stdin.
 */
import { readSync, writeSync } from "node:fs";
import { Store } from "../src/session/service.ts";
import { bench } from "./session.support.ts";

const [file = "", count = "Infinity", wait] = process.argv.slice(2);
const writer = await bench({ store: Store.layerSqlite({ file }) });
const { variables } = await writer.session("shared");
const names = ["a", "b", "c"];
for (const name of names) {
  const { version } = await variables.register(name, { type: "integer", value: 0, ifNotExists: true });
  writeSync(1, `${name} ${version}\n`);
}
if (wait === "wait") {
  writeSync(1, "ready\n");
  readSync(0, new Uint8Array(1));
}
for (let i = 0; i < Number(count); i++) {
  const name = names[i % names.length]!;
  // Every third time the three together, so that half a batch would be seen.
  if (i % 3 === 2) {
    const { versions } = await variables.setMany({ a: i, b: i, c: i }, { atomic: true, metadata: { batch: `${process.pid} ${i}` } });
    for (const [changed, version] of Object.entries(versions)) writeSync(1, `${changed} ${version}\n`);
  } else {
    const next = await variables.update<number>(name, (n) => n + 1);
    const { version } = await variables.entry(name);
    writeSync(1, `${name} ${version} ${next}\n`);
  }
}
await writer[Symbol.asyncDispose]();
