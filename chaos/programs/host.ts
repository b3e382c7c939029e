/** A host that waits to be killed: `host.ts idle|computing`. Its workers have children of their own. */
import { Snakepit } from "../../src/index.ts";
import { python, tools } from "../support.ts";

const WORKERS = 2;
let computing = 0;
const ready = (): void => console.log("ready");
const doing = process.argv[2];
const pit = await Snakepit.open({
  tools,
  python,
  workers: WORKERS,
  onLog: ({ text }) => {
    if (text === "computes" && ++computing === WORKERS) ready();
  },
});
await pit.ready();
await Promise.all([pit.execute("children"), pit.execute("children"), pit.execute("children")]);
if (doing === "computing") for (let n = 0; n < WORKERS; n++) void pit.execute("hold_lock", { count: 1e12 });
else ready();
