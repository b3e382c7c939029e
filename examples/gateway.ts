// Mount the gateway in a plain server, and call a tool with nothing but fetch.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Snakepit } from "snakepit";
import { createToken, Gateway } from "snakepit/gateway";

const token = createToken();
await using pit = await Snakepit.open({ tools: new URL("./tools.py", import.meta.url), workers: 1 });
await using gateway = await Gateway.open(pit, { auth: { tokens: [{ token, name: "example", scopes: ["tool:*"] }] } });

const server = createServer((request, response) => {
  if (request.url === "/hello") response.end("a page of your own");
  else gateway.node(request, response);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
// The server listens on a port, so its address is no path.
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

async function call(headers: Record<string, string>): Promise<string> {
  const response = await fetch(`${url}/snakepit.v1.GatewayService/ExecuteTool`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close", ...headers },
    body: JSON.stringify({ tool: "add", args: { a: 1, b: 2 } }),
  });
  const { code, result } = await response.json();
  return `${response.status} ${code ?? result}`;
}

console.log(await (await fetch(`${url}/hello`, { headers: { connection: "close" } })).text());
console.log(await call({}));
console.log(await call({ authorization: `Bearer ${token}` }));
await new Promise((resolve) => server.close(resolve));

// Prints:
// a page of your own
// 401 unauthenticated
// 200 3
