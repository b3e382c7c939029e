/** What the tests of the client stand on: a pit, its gateway, a proxy in between whose connections can be cut, and a way for programs elsewhere to ask for that. */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from "node:net";
import { createToken, serve } from "../src/gateway.ts";
import { type Session, Snakepit } from "../src/index.ts";
import type { ClientBench } from "./client.cases.ts";
import { behaviour, Lines, temporaryFolder, toolFile } from "./pool.support.ts";

/** A bench that stands, until it is closed. */
export interface StandingBench extends AsyncDisposable {
  /** What a program is given, as JSON. */
  readonly bench: ClientBench;
}

/** Opens everything. */
export async function standingBench(): Promise<StandingBench> {
  const lines = new Lines();
  const pit = await Snakepit.open({
    pools: {
      main: { tools: [toolFile("api"), behaviour, toolFile("elsewhere")], workers: 2, queueSize: 2 },
      other: { tools: toolFile("second_add"), workers: 1 },
    },
    env: { FIRST_RUNS: temporaryFolder("first-runs-") },
    onLog: lines.onLog,
  });
  const token = createToken();
  const narrow = createToken();
  const auth = {
    tokens: [
      { token, name: "tests", scopes: ["tool:*", "session:own:write"] },
      { token: narrow, name: "narrow", scopes: ["tool:add"] },
    ],
  };
  // Made below, when the origin of the page that asks is known.
  let proxy: Proxy | undefined;
  const control = await openControl({
    // Resolves when a tool has said so often that it is there.
    said: ({ text = "", times = "1" }) => lines.said(text, Number(times)),
    count: ({ text = "" }) => lines.count(text),
    cut: () => proxy?.cut(),
    refuse: () => proxy?.refuse(),
    accept: () => proxy?.accept(),
    // What the program itself sees of a call.
    failure: async ({ tool = "", args = "{}" }) => {
      const error: unknown = await pit.execute(tool, JSON.parse(args)).catch((failure: unknown) => failure);
      return error instanceof Error ? { ...error, message: error.message } : error;
    },
    set: ({ session = "", name = "", value = "null" }) => withSession(session, ({ variables }) => variables.set(name, JSON.parse(value))),
    delete: ({ session = "", name = "" }) => withSession(session, ({ variables }) => variables.delete(name)),
    end: ({ session = "" }) => withSession(session, (opened) => opened.end()),
  });
  const withSession = async <T>(id: string, use: (session: Session) => Promise<T>): Promise<T> => {
    const session = await pit.session(id);
    return use(session).finally(() => session.close());
  };
  const gateway = await serve(pit, { port: 0, auth, cors: [control.url] });
  const limited = await serve(pit, { port: 0, auth, cors: [control.url], limits: { requestsPerSecond: 1 } });
  proxy = await openProxy(gateway.port);
  const bench = { url: proxy.url, control: control.url, limited: limited.url, token, narrow };
  return {
    bench,
    async [Symbol.asyncDispose]() {
      control.close();
      await proxy?.close();
      await Promise.all([gateway.close(), limited.close()]);
      await pit.close();
    },
  };
}

const urlOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const listening = (server: Server, port = 0): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

/** A proxy whose connections can be broken. */
interface Proxy {
  readonly url: string;
  /** Breaks every connection, in the middle of whatever it carries. */
  cut(): void;
  /** The same, and takes no other. */
  refuse(): Promise<void>;
  /** Takes connections again. */
  accept(): Promise<void>;
  close(): Promise<void>;
}

/** Leads every connection on to a port. */
async function openProxy(target: number): Promise<Proxy> {
  const sockets = new Set<Socket>();
  const accept = (): Server =>
    createServer((socket) => {
      const onward = dial(target, "127.0.0.1");
      for (const end of [socket, onward]) {
        sockets.add(end);
        end.on("error", () => {}).on("close", () => sockets.delete(end));
      }
      socket.pipe(onward).pipe(socket);
      socket.on("close", () => onward.destroy());
      onward.on("close", () => socket.destroy());
    });
  let server = accept();
  await listening(server);
  const { port } = server.address() as AddressInfo;
  const url = urlOf(server);
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const refuse = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    cut();
    await closed;
  };
  return {
    url,
    cut,
    refuse,
    accept: async (): Promise<void> => {
      server = accept();
      await listening(server, port);
    },
    close: refuse,
  };
}

type Deeds = Readonly<Record<string, (parameters: Readonly<Record<string, string>>) => unknown>>;

/** Does what it is asked for by name, for whoever has `fetch`. */
async function openControl(deeds: Deeds) {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://control");
    response.setHeader("access-control-allow-origin", "*");
    // A page for a browser, of another origin than the gateway.
    if (pathname === "/page") {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>Tests</title>");
      return;
    }
    try {
      const result: unknown = await deeds[pathname.slice(1)]?.(Object.fromEntries(searchParams));
      response.end(JSON.stringify(result ?? null));
    } catch (error) {
      response.writeHead(500).end(JSON.stringify(String(error)));
    }
  };
  const server = createHttpServer((request, response) => void answer(request, response));
  await listening(server);
  return {
    url: urlOf(server),
    close: (): void => {
      server.close();
      server.closeAllConnections();
    },
  };
}
