// Hear how far a call is.
import { Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./slow.py", import.meta.url), workers: 1 });

const result = await pit.execute("train", { epochs: 4 }, { onProgress: (at) => console.log(`${at.fraction * 100} % ${at.message}`) });
console.log(result);

// Prints:
// 25 % epoch 1
// 50 % epoch 2
// 75 % epoch 3
// 100 % epoch 4
// trained
