/** @platformatic/python-node: the interpreter inside this process, with an ASGI application. */
import { beside, load } from "./peer.ts";
import type { Open } from "./system.ts";

interface Package {
  readonly Python: new (options: {
    docroot: string;
    appTarget: string;
  }) => {
    handleRequest(request: object): Promise<{ readonly status: number; readonly body: Buffer }>;
  };
  readonly Request: new (options: { method: "POST"; url: string; body: Buffer }) => object;
}

export const openPythonNode: Open = async () => {
  const { Python, Request } = load<Package>("@platformatic/python-node");
  const python = new Python({ docroot: beside("."), appTarget: "asgi_app:app" });
  const post = async (url: string, body: Buffer): Promise<Buffer> => {
    const response = await python.handleRequest(new Request({ method: "POST", url, body }));
    if (response.status !== 200) throw new Error(`HTTP ${response.status}`);
    return response.body;
  };
  return {
    echo: async (text) => (await post("/echo", Buffer.from(text))).toString(),
    items: "an answer comes whole",
    blob: (data) => post("/blob", Buffer.from(data)),
    pid: undefined,
    close: async () => {},
  };
};
