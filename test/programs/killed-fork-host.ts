/** Opens a pit whose workers are forked, have children of their own and compute in C code, and waits to be killed. */
import { Snakepit } from "../../src/index.ts";

const pit = await Snakepit.open({ tools: "test/tools/forked.py", workers: 2, preload: "tools" });
await pit.ready();
await Promise.all([pit.execute("child"), pit.execute("child"), pit.execute("child")]);
for (let n = 0; n < 2; n++) void pit.execute("hold_lock");
console.log("ready");
if (process.argv[2] === "exit") process.exit();
