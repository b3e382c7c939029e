// A Python class whose state is made once in each worker.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./model.py", import.meta.url), workers: 2 });

const rows = [
  [1, 1],
  [2, 0],
];
console.log((await pit.execute<number[]>("Model.predict", { rows })).join(" "));

// Prints:
// 2.5 1
