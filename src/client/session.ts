/** A session behind a gateway. */
import type { ToolArguments, ToolCaller, ToolCallOptions } from "../api/calls.ts";
import type { SessionInfo, SessionLike } from "../api/sessions.ts";
import type { Metadata } from "../api/variables.ts";
import { UnsupportedValue } from "../errors/index.ts";
import { sessionInfo } from "./messages.ts";
import { methods } from "./schema.ts";
import type { SessionLink } from "./session-link.ts";
import { RemoteVariables } from "./variables.ts";

/** What a handle is opened with. */
export interface OpenedHandle {
  readonly link: SessionLink;
  readonly calls: ToolCaller;
  readonly metadata: Metadata;
  /** Whether the session ends with the handle. */
  readonly endsWithHandle: boolean;
  /** Open handles of this client, by id. */
  readonly handlesOf: (id: string) => number;
  /** Called once, when the handle closes. */
  readonly onClose: () => void;
}

/**
 * A session: state that TypeScript and Python share. Leaving its block drops the handle; what it holds lives on until its time is over or it is ended.
 *
 * @example
 * await using session = await pit.session("user-42");
 * await session.variables.register("temperature", { type: "float", value: 0.7, constraints: { min: 0, max: 2 } });
 */
export class RemoteSession implements SessionLike {
  /** Its id. */
  readonly id: string;
  /** Its metadata as it was when it was opened. */
  readonly metadata: Metadata;
  /** Its variables. */
  readonly variables: RemoteVariables;
  readonly #opened: OpenedHandle;
  #closed: Promise<void> | undefined;

  /** Made by this package alone. */
  constructor(opened: OpenedHandle) {
    this.#opened = opened;
    this.id = opened.link.id;
    this.metadata = opened.metadata;
    this.variables = new RemoteVariables(opened.link);
  }

  execute<Result = unknown>(tool: string, args?: ToolArguments, options?: ToolCallOptions): Promise<Result> {
    return this.#opened.calls.execute(tool, args, options);
  }

  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options?: ToolCallOptions): AsyncIterableIterator<Item> {
    return this.#opened.calls.executeStream(tool, args, options);
  }

  /** Not to be had here: Python cannot call a function through a gateway. @throws UnsupportedValue, always. */
  provide(name: string, _fn: unknown): never {
    throw refusedFunction(name);
  }

  async info(): Promise<SessionInfo> {
    const { session } = await this.#opened.link.read(methods.getSession, {});
    return sessionInfo(session, this.#opened.handlesOf);
  }

  async end(): Promise<boolean> {
    const { link, onClose } = this.#opened;
    const { ended } = await link.change(methods.endSession, {});
    if (!link.over) onClose();
    link.ended();
    return ended;
  }

  /**
   * Closes the handle. A session without an id ends with it, for which the gateway has 3 s; when it is not ended it lives until its time is over. May be
   * called twice.
   *
   * @throws ConnectionLost when the gateway did not answer, and what else may keep it from ending the session; the handle is closed all the same.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { link, endsWithHandle, onClose } = this.#opened;
    const wasOpen = !link.over;
    try {
      if (wasOpen && endsWithHandle) await link.endAtLast();
    } finally {
      if (wasOpen) onClose();
      link.close();
    }
  }
}

/** What providing a function fails with. */
export const refusedFunction = (name: string): UnsupportedValue =>
  new UnsupportedValue({ path: String(name), reason: "it is a function, which cannot go through a gateway" });
