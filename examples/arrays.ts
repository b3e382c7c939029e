// Typed arrays arrive as numpy arrays and come back as typed arrays, as raw bytes beside the message.
import { NdArray, Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./arrays.py", import.meta.url), workers: 1 });

const scaled = await pit.execute<Float64Array>("scale", { x: new Float64Array([1, 2, 3]), by: 2 });
console.log(scaled instanceof Float64Array, scaled.join(" "));

const grid = await pit.execute("grid", { rows: 2, columns: 3 });
if (grid instanceof NdArray) console.log(grid.shape.join(" x "), grid.data.join(" "));

// Prints:
// true 2 4 6
// 2 x 3 0 1 2 3 4 5
