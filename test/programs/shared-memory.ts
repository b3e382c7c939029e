/**
 * Prints whether arguments and results went through shared memory on the runtime that runs this file, and whether they were right: `shared-memory.ts TOOLS PYTHON`.
 * With a third argument it prints the pid of its worker instead, and waits to be killed.
 */
import { type Lease, Snakepit } from "../../src/index.ts";

const [tools = "", python = "", wait] = process.argv.slice(2);
const pit = await Snakepit.open({ tools, python, workers: 1 });
const x = Float64Array.from({ length: 50_000 }, (_, n) => n);
let shared = "";
let isView = false;
let isRight = true;
// Where memory can be shared it is there after some calls; elsewhere it never is.
for (let call = 0; call < 200 && !(shared !== "" && isView); call++) {
  shared = await pit.execute<string>("segment", { x });
  const lease = await pit.execute<Lease<Float64Array>>("filled", { length: x.length, value: call }, { view: true });
  isRight &&= lease.value.length === x.length && lease.value[0] === call && lease.value.at(-1) === call;
  isView = lease.value.buffer.byteLength > lease.value.byteLength;
  lease.release();
  isRight &&= lease.value.length === (isView ? 0 : x.length);
}
if (wait !== undefined) {
  console.log((await pit.workers())[0]?.pid);
  await new Promise(() => {});
}
const back = await pit.execute<Float64Array>("echo", { x });
isRight &&= back.length === x.length && back.every((number, n) => number === n);
await pit.close();
console.log(JSON.stringify({ arguments: shared !== "", results: isView, isRight }));
