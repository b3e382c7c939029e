// What Python prints and logs comes as events that name the worker and the tool.
import { type LogEvent, Snakepit } from "snakepit";

const lines: LogEvent[] = [];
await using pit = await Snakepit.open({
  tools: new URL("./chatty.py", import.meta.url),
  workers: 1,
  onLog: (event) => lines.push(event),
});

console.log(await pit.execute("greet", { name: "Ada" }));
await pit.close(); // the last lines are in when it is closed
for (const { source, level, tool, text } of lines.filter((line) => line.tool !== "")) console.log(`${source} ${level} ${tool}: ${text}`);

// Prints:
// Hello Ada
// stdout info greet: printing for Ada
// chatty warning greet: logging for Ada
