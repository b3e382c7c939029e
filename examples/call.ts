// Call a Python function.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 2 });

console.log(await pit.execute("add", { a: 1, b: 2 }));
console.log(await pit.execute<number>("add", { a: 1.5 })); // b has a default

// Many at once: the pool gives each to the worker with the least to do.
const sums = await Promise.all(Array.from({ length: 100 }, (_, n) => pit.execute<number>("add", { a: n, b: n })));
console.log(sums.reduce((a, b) => a + b));

// Prints:
// 3
// 1.5
// 9900
