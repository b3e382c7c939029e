/** Opens a pit and leaves it open: nothing but the pit keeps the program alive. With the argument "exit" it then calls process.exit. */
import process from "node:process";
import { Snakepit } from "../../src/index.ts";

const pit = await Snakepit.open({ tools: "test/tools/behaviour.py", workers: 2 });
await pit.ready();
console.log(await pit.execute("environment", { name: "SNAKEPIT_RUN" }));
if (process.argv[2] === "exit") process.exit(5);
