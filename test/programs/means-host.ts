/**
 * Opens a pit whose workers lack some of the means to notice that this program is gone, and waits to be killed. Prints the pids of one that does what
 * was asked for, of a child of that, and of one that does nothing.
 */
import { fileURLToPath } from "node:url";
import { Snakepit } from "../../src/index.ts";

const [doing = "idle", without = "", folder = "", containment = ""] = process.argv.slice(2);
const pit = await Snakepit.open({
  tools: "test/tools/daemons.py",
  workers: 1,
  containment: containment === "subreaper" ? containment : "group",
  pools: { tested: {}, idle: {} },
  env: {
    PYTHONPATH: fileURLToPath(new URL("../tools/means", import.meta.url)),
    TEST_WITHOUT: without,
    ...(doing === "unmet" ? { TEST_UNMET: folder } : {}),
  },
  onLog: ({ text, pool }) => {
    if (pool === "tested" && text === doing) console.log("busy");
  },
});
const tested = pit.pool("tested");
const pids = [await tested.execute("pid"), await tested.execute("child"), await pit.pool("idle").execute("pid")];
console.log(JSON.stringify(pids));
if (doing === "idle") console.log("busy");
else void tested.execute(doing, doing === "locked" ? { path: `${folder}/fifo` } : {}, { timeoutMs: Number.POSITIVE_INFINITY });
