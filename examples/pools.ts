// Several pools, each with its own tools and size.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({
  pools: {
    math: { tools: new URL("./tools.py", import.meta.url), workers: 2 },
    slow: { tools: new URL("./slow.py", import.meta.url), workers: 1, timeoutMs: 60_000 },
  },
});
await pit.ready();

console.log(await pit.pool("math").execute("add", { a: 2, b: 2 }));
console.log(await pit.pool("slow").execute("train", { epochs: 2 }));

const workers = await pit.workers();
console.log(workers.map((worker) => `${worker.pool} ${worker.status}`).sort());

// Prints:
// 4
// trained
// …math ready…
