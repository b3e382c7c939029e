/** undici to FastAPI on uvicorn, over a Unix socket: JSON, and lines of it for items. On Bun its own fetch, which its undici stands on. */
import { load, startServer } from "./peer.ts";
import type { Open } from "./system.ts";

interface Body extends AsyncIterable<Uint8Array> {
  json(): Promise<unknown>;
  arrayBuffer(): Promise<ArrayBuffer>;
}
interface Undici {
  readonly Pool: new (
    origin: string,
    options: { connections: number; socketPath: string },
  ) => {
    request(options: {
      path: string;
      method: "GET" | "POST";
      headers: Record<string, string>;
      body?: string | Uint8Array | undefined;
    }): Promise<{ statusCode: number; body: Body }>;
    destroy(): Promise<void>;
  };
}
interface Http {
  request(path: string, body?: string | Uint8Array<ArrayBuffer>): Promise<Body>;
  close(): Promise<void>;
}

const ORIGIN = "http://localhost";
const CONNECTIONS = 32;

function undici(socketPath: string): Http {
  const pool = new (load<Undici>("undici").Pool)(ORIGIN, { connections: CONNECTIONS, socketPath });
  return {
    async request(path, body) {
      const headers: Record<string, string> = typeof body === "string" ? { "content-type": "application/json" } : {};
      const response = await pool.request({ path, method: body === undefined ? "GET" : "POST", headers, body });
      if (response.statusCode !== 200) throw new Error(`HTTP ${response.statusCode}`);
      return response.body;
    },
    close: () => pool.destroy(),
  };
}

function bunFetch(unix: string): Http {
  return {
    async request(path, body) {
      const headers: Record<string, string> = typeof body === "string" ? { "content-type": "application/json" } : {};
      const response = await fetch(`${ORIGIN}${path}`, { unix, headers, ...(body === undefined ? {} : { method: "POST", body }) });
      if (!response.ok || response.body === null) throw new Error(`HTTP ${response.status}`);
      const stream = response.body;
      return {
        json: () => response.json(),
        arrayBuffer: () => response.arrayBuffer(),
        [Symbol.asyncIterator]: () => stream[Symbol.asyncIterator](),
      };
    },
    close: async () => {},
  };
}

/** Each line of a body, read as JSON. */
async function* lines(body: Body): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    let at = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", at)) {
      yield JSON.parse(text.slice(at, end));
      at = end + 1;
    }
    text = text.slice(at);
  }
}

export const openFastApi: Open = async (python) => {
  const server = await startServer(python, "fastapi_app.py");
  const http = "Bun" in globalThis ? bunFetch(server.socket) : undici(server.socket);
  return {
    async echo(text) {
      // The app answers nothing else.
      const { value } = (await (await http.request("/echo", JSON.stringify({ text }))).json()) as { value: string };
      return value;
    },
    async *items(n) {
      yield* lines(await http.request(`/items?n=${n}`));
    },
    blob: async (data) => new Uint8Array(await (await http.request("/blob", data)).arrayBuffer()),
    pid: server.pid,
    async close() {
      await http.close();
      await server.close();
    },
  };
};
