/** Opens a pit whose worker has started daemons, and waits to be killed: the worker doing nothing, or in C code that holds the interpreter lock. */
import process from "node:process";
import { Snakepit } from "../../src/index.ts";

const [containment = "", doing = "", folder = ""] = process.argv.slice(2);
const pit = await Snakepit.open({
  tools: "test/tools/daemons.py",
  workers: 1,
  containment: containment === "cgroup" ? "cgroup" : "subreaper",
  onLog: ({ text }) => {
    if (text === doing) console.log("ready");
  },
});
await pit.execute("daemon");
await pit.execute("family");
if (doing === "locked") void pit.execute("locked", { path: `${folder}/fifo` }, { timeoutMs: Number.POSITIVE_INFINITY });
else console.log("ready");
