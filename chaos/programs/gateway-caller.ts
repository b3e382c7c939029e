/** Somebody who goes on working whatever happens to the gateway: `gateway-caller.ts URL TOKEN`. Prints each call's begin and length in milliseconds; ends with stdin. */
import { setTimeout as pause } from "node:timers/promises";

const [url = "", token = ""] = process.argv.slice(2);
/** Between two calls, in milliseconds: what is measured is how long calls take, not how many there can be. */
const PAUSE_MS = 5;
let isOver = false;
process.stdin.on("end", () => {
  isOver = true;
});
process.stdin.resume();
for (let value = 0; !isOver; value++) {
  const at = Date.now();
  const began = performance.now();
  let wrong: string | undefined;
  try {
    const response = await fetch(`${url}/snakepit.v1.GatewayService/ExecuteTool`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ tool: "echo", args: { value } }),
    });
    const text = await response.text();
    if (text !== JSON.stringify({ result: value })) wrong = `${response.status} ${text}`;
  } catch (error) {
    wrong = String(error);
  }
  console.log(JSON.stringify({ at, ms: performance.now() - began, wrong }));
  await pause(PAUSE_MS);
}
process.exit(0);
