import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: "./tools.py", workers: 2 });

console.log(await pit.execute("add", { a: 1, b: 2 }));
for await (const n of pit.executeStream("countdown", { start: 3 })) console.log(n);

const { signal } = new AbortController();
console.log(await pit.execute("add", { a: 1 }, { timeoutMs: 500, signal, retry: "safe", onProgress() {}, priority: 1 }));

for await (const word of pit.executeStream("tokens", { prompt: "to be or not" })) console.log(word);
async function* numbers() {
  for (let n = 1; n <= 4; n++) yield n;
}
console.log(await pit.execute("total", { numbers: numbers() }));
console.log(await pit.execute("Model.predict", { rows: [[1, 2], [3]] }));
console.log(await pit.execute("embed", { text: "four" }));

await pit.ready();
console.log(pit.stats().succeeded, (await pit.workers()).length, (await pit.health()).status);
