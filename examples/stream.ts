// Read the results of a Python generator one by one; leaving the loop closes the generator.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 1 });

for await (const n of pit.executeStream("countdown", { start: 3 })) console.log(n);
for await (const word of pit.executeStream("tokens", { prompt: "an async generator" })) console.log(word);

for await (const n of pit.executeStream<number>("countdown", { start: 1_000_000_000 })) {
  console.log(n);
  if (n < 999_999_999) break;
}
console.log("free again:", await pit.execute("add", { a: 1, b: 1 }));

// Prints:
// 3
// 2
// 1
// an
// async
// generator
// 1000000000
// 999999999
// 999999998
// free again: 2
