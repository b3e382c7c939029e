import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ pools: { cpu: { tools: "./tools.py", workers: 2 }, gpu: { tools: "./arrays.py", workers: 1 } } });
const scaled = await pit.pool("gpu").execute("scale", { x: new Float64Array([1, 2, 3]), by: 2 });
console.log(scaled instanceof Float64Array, Array.from(scaled as Float64Array).join(" "));
console.log(await pit.pool("cpu").execute("add", { a: 1, b: 2 }));
console.log(await pit.execute("add", { a: 2, b: 2 }));
await pit.ready();
console.log((await pit.workers()).map((worker) => `${worker.pool} ${worker.status} ${worker.startedBy}`).join(", "));
