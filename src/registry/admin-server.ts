/** Answers on the admin socket of a pit. `admin.ts` says what can be asked. */
import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { join } from "node:path";
import { Effect, type Scope } from "effect";
import { fitsSocketPath, makePrivateFolder } from "../runtime/private-folder.ts";
import { AdminError, type AdminHandlers, type AdminMethod, statusOf } from "./admin.ts";
import { removeSocket } from "./socket-folder.ts";

/** Longest request, in bytes. */
const MAX_REQUEST = 65_536;

/**
 * Opens an admin socket until the scope closes, and gives its path: in a private folder beside the registry, or in one of its own where that path is too
 * long. Gives an empty path where there cannot be one; the pit does without.
 */
export const serveAdmin = (handlers: AdminHandlers, stateFolder: string, run: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(() => listen(handlers, stateFolder, run).catch(() => undefined)),
    (listening) => Effect.promise(async () => listening?.close()),
  ).pipe(Effect.map((listening) => listening?.path ?? ""));

interface Listening {
  readonly path: string;
  close(): Promise<void>;
}

async function listen(handlers: AdminHandlers, stateFolder: string, run: string): Promise<Listening> {
  const path = socketPath(stateFolder, run);
  const server = createServer((request, response) => void answer(handlers, request, response));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  // The folder keeps others out already.
  chmodSync(path, 0o600);
  // It is the pit that keeps the program alive.
  server.unref();
  return { path, close: () => close(server, path) };
}

function socketPath(stateFolder: string, run: string): string {
  const folder = join(stateFolder, "admin");
  const path = join(folder, `${run}.sock`);
  if (!fitsSocketPath(path)) return makePrivateFolder().socketPath;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = lstatSync(folder);
  if ((mode & 0o777) !== 0o700 || uid !== process.getuid?.()) throw new Error(`${folder} is not private`);
  return path;
}

function close(server: Server, path: string): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
    removeSocket(path);
  });
}

async function answer(handlers: AdminHandlers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const method = methodOf(handlers, request);
    const body = await readBody(request);
    if (method === "close") {
      // Closing the pit closes this connection as well.
      response.once("finish", () => void handlers.close());
      send(response, 200, {});
    } else {
      send(response, 200, await run(handlers, method, body));
    }
  } catch (error) {
    const known = error instanceof AdminError ? error : new AdminError("internal", error instanceof Error ? error.message : String(error));
    send(response, statusOf[known.code], { code: known.code, message: known.message });
  }
}

function methodOf(handlers: AdminHandlers, { method, url = "" }: IncomingMessage): AdminMethod {
  const name = url.slice(1);
  if (method !== "POST") throw new AdminError("invalid_argument", "Only POST is answered.");
  if (!isMethod(name)) throw new AdminError("not_found", `There is no method "${name}".`);
  if (handlers[name] === undefined) throw new AdminError("unimplemented", `This pit does not support "${name}".`);
  return name;
}

const methods: Readonly<Record<AdminMethod, true>> = {
  workers: true,
  stats: true,
  health: true,
  sessions: true,
  status: true,
  events: true,
  reload: true,
  kill: true,
  cancel: true,
  close: true,
};
const isMethod = (name: string): name is AdminMethod => Object.hasOwn(methods, name);

async function run(handlers: AdminHandlers, method: Exclude<AdminMethod, "close">, body: object): Promise<unknown> {
  switch (method) {
    case "workers":
      return { workers: await handlers.workers() };
    case "sessions":
      return { sessions: await handlers.sessions() };
    case "events": {
      const { types, limit } = { types: [], limit: 0, ...body };
      if (!isTexts(types)) throw new AdminError("invalid_argument", '"types" has to be a list of types of events.');
      if (!Number.isInteger(limit) || limit < 0) throw new AdminError("invalid_argument", '"limit" has to be a whole number, 0 or above.');
      return { events: handlers.events?.(types, limit) };
    }
    case "kill": {
      const worker = "worker" in body ? body.worker : undefined;
      if (typeof worker !== "string") throw new AdminError("invalid_argument", '"worker" has to be the name of a worker.');
      if (!(await handlers.kill(worker))) throw new AdminError("not_found", `There is no worker "${worker}".`);
      return {};
    }
    case "cancel": {
      const call = "call" in body ? body.call : undefined;
      if (typeof call !== "string") throw new AdminError("invalid_argument", '"call" has to be the id of a call.');
      if (!(await handlers.cancel?.(call))) throw new AdminError("not_found", `There is no call "${call}".`);
      return {};
    }
    default:
      return (await handlers[method]?.()) ?? {};
  }
}

const isTexts = (value: unknown): value is readonly string[] => Array.isArray(value) && value.every((item) => typeof item === "string");

async function readBody(request: IncomingMessage): Promise<object> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > MAX_REQUEST) throw new AdminError("invalid_argument", `A request may have ${MAX_REQUEST} bytes.`);
    chunks.push(chunk);
  }
  if (length === 0) return {};
  const value = parse(Buffer.concat(chunks).toString());
  if (typeof value !== "object" || value === null) throw new AdminError("invalid_argument", "A request is a JSON object.");
  return value;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  if (response.headersSent) return;
  // Whoever asks has one question.
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify(value, plain));
}

/** Errors and whole numbers of any size as JSON has them. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return { ...("_tag" in value && { _tag: value._tag }), message: value.message };
  return value;
}
