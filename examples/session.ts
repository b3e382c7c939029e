// A session: typed variables that both sides share, and an object that stays in Python.
import { type ObjectRef, Snakepit } from "snakepit";

await using pit = await Snakepit.open({ tools: new URL("./shared.py", import.meta.url), workers: 2 });
await using session = await pit.session("user-42");

await session.variables.register("temperature", { type: "float", value: 20, constraints: { max: 30 } });
console.log(await session.execute("warm", { by: 1.5 }));
const { version, source } = await session.variables.entry("temperature");
console.log(version, source.side, source.tool);
await session.execute("warm", { by: 20 }).catch((error) => console.log(error.message));

using counter = await session.execute<ObjectRef>("counter");
await session.execute("count", { on: counter });
console.log(await session.execute("count", { on: counter }));

// Prints:
// 21.5
// 1 python warm
// Variable "temperature" must be at most 30.
// 2
