/**
 * Opens a pit and leaves it open: nothing but the pit keeps the program alive. With the argument "exit" it then
 * calls process.exit, with "busy" it waits for a call that does not end.
 */
import process from "node:process";
import { Snakepit } from "../../src/index.ts";

const pit = await Snakepit.open({ tools: "test/tools/behaviour.py", workers: 2, graceMs: 1_000 });
await pit.ready();
console.log(await pit.execute("environment", { name: "SNAKEPIT_RUN" }));
if (process.argv[2] === "exit") process.exit(5);
if (process.argv[2] === "busy") await pit.execute("stubborn");
