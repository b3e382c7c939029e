// What happens is one stream of events; spans of Python belong to the trace that the call comes with.
import { type PitEvent, Snakepit } from "snakepit";

const events: PitEvent[] = [];
await using pit = await Snakepit.open({
  tools: new URL("./steps.py", import.meta.url),
  workers: 1,
  metrics: true,
  onEvent: (event) => events.push(event),
});

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
console.log(await pit.execute("answer", { question: "why" }, { traceparent }));

for (const event of events) {
  if (event.type === "worker.ready") console.log(`${event.worker} is ready`);
  if (event.type === "call.started") console.log(`${event.tool} is with ${event.worker}`);
  if (event.type === "span.ended") console.log(`${event.name} under ${event.parentId}: ${event.attributes["found"] ?? 0} found`);
  if (event.type === "call.finished") console.log(`${event.tool} ${event.outcome} after ${event.attempts} attempt`);
}
const calls = pit.metrics().find((metric) => metric.id === "snakepit.calls");
console.log(calls?.attributes?.["rpc.method"], JSON.stringify(calls?.state));

// Prints:
// because it is
// default-1 is ready
// answer is with default-1
// retrieve under b7ad6b7169203331: 3 found
// generate under b7ad6b7169203331: 0 found
// answer succeeded after 1 attempt
// answer {"count":1,"incremental":true}
