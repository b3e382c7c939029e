/** Opens a pit whose workers have children of their own, and waits to be killed: doing nothing, or while tools compute in C code. */
import process from "node:process";
import { Snakepit } from "../../src/index.ts";

const pit = await Snakepit.open({ tools: "test/tools/hostile.py", workers: 2 });
await pit.ready();
await Promise.all([pit.execute("children"), pit.execute("children"), pit.execute("children")]);
if (process.argv[2] === "computing") for (let n = 0; n < 2; n++) void pit.execute("hold_lock", { count: 1e12 });
console.log("ready");
