/** A pit behind a gateway, over nothing but `fetch`. */
import type { ToolArguments, ToolCaller, ToolCallOptions } from "../api/calls.ts";
import { checkSession } from "../api/session-options.ts";
import type { PitLike, SessionInfo, SessionOptions } from "../api/sessions.ts";
import { InvalidOptions, ProtocolError } from "../errors/index.ts";
import type { ToolInfo } from "../tool/info.ts";
import { Calls } from "./calls.ts";
import { Connection } from "./connection.ts";
import { sessionInfo, ttlMessage } from "./messages.ts";
import { type ConnectOptions, clientSettings } from "./options.ts";
import { changing, reading, repeated } from "./retry.ts";
import { methods } from "./schema.ts";
import { RemoteSession, refusedFunction } from "./session.ts";
import { SessionLink } from "./session-link.ts";
import { Tools } from "./tools.ts";
import { orAborted } from "./waiting.ts";

/**
 * Leads to the pit behind a gateway. Nothing is asked before it is used, so a gateway that is not there shows with the first call.
 *
 * @example
 * const pit = connect({ url: "https://pit.example.com", token });
 * await pit.execute("add", { a: 1, b: 2 });
 * @throws InvalidOptions.
 */
export function connect(options: ConnectOptions): RemotePit {
  return new RemotePit(new Connection(clientSettings(options)));
}

/** One pool of several behind a gateway. */
export interface RemotePool extends ToolCaller {
  readonly name: string;
}

/** A pit behind a gateway. It offers what `Snakepit` offers as far as that goes over a network; docs/client.md has what does not. */
export class RemotePit implements PitLike {
  readonly #connection: Connection;
  readonly #tools: Tools;
  readonly #calls: Calls;
  /** Open handles of sessions. */
  readonly #handles = new Set<RemoteSession>();

  /** Made by {@link connect}. */
  constructor(connection: Connection) {
    this.#connection = connection;
    this.#tools = new Tools(connection);
    this.#calls = this.#callsAt("", "", () => {});
  }

  /**
   * Calls a tool that does not stream.
   *
   * @param tool - Its name; a method is "Class.method".
   * @param args - Arguments by parameter name. Functions and async iterables cannot go through a gateway.
   * @returns What the tool returned; docs/values.md says what becomes of which type.
   * @throws What the same call fails with in the program that has the workers, such as ToolFailed when the tool raised; ConnectionLost when the gateway
   * cannot be reached, Unauthenticated, PermissionDenied, RateLimited.
   */
  execute<Result = unknown>(tool: string, args?: ToolArguments, options?: ToolCallOptions): Promise<Result> {
    return this.#calls.execute(tool, args, options);
  }

  /**
   * Calls a streaming tool. The call starts when the first item is asked for, and stops the tool when items are not taken. Leaving the loop early
   * closes the Python generator.
   *
   * @throws As {@link execute}, where the items are taken.
   */
  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options?: ToolCallOptions): AsyncIterableIterator<Item> {
    return this.#calls.executeStream(tool, args, options);
  }

  /**
   * Opens the session of this id, or makes it. Without an id it ends with its handle; else it lives until its time is over or it is ended. It belongs to
   * whose token made it.
   *
   * @throws InvalidOptions, QuotaExceeded, StoreFailed, PermissionDenied; SessionNotFound for one that is somebody else's.
   */
  async session(id?: string, options: SessionOptions = {}): Promise<RemoteSession> {
    checkSession(id ?? "of its own", options);
    this.#connection.check();
    const { ttlMs, metadata = {}, affinity = "" } = options;
    const message = { sessionId: id ?? "", ttlMs: ttlMessage(ttlMs), metadata: { ...metadata }, affinity };
    const { settings, closed } = this.#connection;
    const request = () => this.#connection.unary(methods.openSession, { message, signal: closed, once: id === undefined });
    // To open one that is there twice does no harm; two without an id would be two.
    const { session } = await orAborted(repeated(request, id === undefined ? changing : reading, settings, closed), closed);
    if (session === undefined) throw new ProtocolError({ reason: "an answer has no session" });
    return this.#handle(session.id, session.metadata, id === undefined);
  }

  /** The sessions that this token may see. Does not count as use. */
  async sessions(): Promise<readonly SessionInfo[]> {
    this.#connection.check();
    const { settings, closed } = this.#connection;
    const request = () => this.#connection.unary(methods.listSessions, { message: {}, signal: closed });
    const { sessions } = await orAborted(repeated(request, reading, settings, closed), closed);
    return sessions.map((state) => sessionInfo(state, this.#handlesOf));
  }

  /** The tools that this token may call, of every pool, in the order of their definition. */
  tools(): Promise<readonly ToolInfo[]> {
    return this.#tools.list();
  }

  /** One pool of several, by name. That there is one of this name shows with the first call. */
  pool(name: string): RemotePool {
    if (typeof name !== "string" || name === "") throw new InvalidOptions({ option: "pool", expected: "the name of a pool" });
    const calls = this.#callsAt("", name, () => {});
    return {
      name,
      execute: (tool, args, options) => calls.execute(tool, args, options),
      executeStream: (tool, args, options) => calls.executeStream(tool, args, options),
    };
  }

  /** Not to be had here: Python cannot call a function through a gateway. @throws UnsupportedValue, always. */
  provide(name: string, _fn: unknown): never {
    throw refusedFunction(name);
  }

  /**
   * Cancels what runs, which fails with PoolClosed as what comes later does, ends every watch, and closes every handle of a session. May be called twice.
   * Waits no longer than 3 s for the gateway to end sessions without an id; one that could not be ended, as when the gateway is gone, lives until its time is
   * over.
   */
  async close(): Promise<void> {
    this.#connection.close();
    await Promise.allSettled(Array.from(this.#handles, (handle) => handle.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #handle(id: string, metadata: Readonly<Record<string, string>>, endsWithHandle: boolean): RemoteSession {
    const link = new SessionLink(id, this.#connection);
    const handle: RemoteSession = new RemoteSession({
      link,
      calls: this.#callsAt(id, "", () => link.check()),
      metadata,
      endsWithHandle,
      handlesOf: this.#handlesOf,
      onClose: () => this.#handles.delete(handle),
    });
    this.#handles.add(handle);
    return handle;
  }

  #callsAt(sessionId: string, pool: string, check: () => void): Calls {
    return new Calls(this.#connection, this.#tools, { sessionId, pool, check });
  }

  readonly #handlesOf = (id: string): number => {
    let open = 0;
    for (const handle of this.#handles) if (handle.id === id) open++;
    return open;
  };
}
