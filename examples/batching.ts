// Let calls that are made together run as one.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./batching.py", import.meta.url), workers: 1 });

const calls = [1, 4, 9, -1].map((x) => pit.execute<string>("root", { x }));
for (const call of await Promise.allSettled(calls)) console.log(call.status === "fulfilled" ? call.value : call.reason.message);

// Prints:
// 1.0 of 4 together
// 2.0 of 4 together
// 3.0 of 4 together
// Tool "root" raised ValueError: -1.0 has no root
