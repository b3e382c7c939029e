/** The tools behind a gateway. */
import type { ToolInfo } from "../tool/info.ts";
import type { Connection } from "./connection.ts";
import { reading, repeated } from "./retry.ts";
import { methods } from "./schema.ts";
import { orAborted } from "./waiting.ts";

/** What may be called. */
export class Tools {
  readonly #connection: Connection;
  /** Which may run twice, by name, as it was asked last. Two pools may have a tool of one name. */
  #idempotent: ReadonlyMap<string, boolean> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The tools there are now. */
  async list(signal: AbortSignal = this.#connection.closed): Promise<readonly ToolInfo[]> {
    this.#connection.check();
    const request = () => this.#connection.unary(methods.listTools, { message: {}, signal });
    const { tools } = await orAborted(repeated(request, reading, this.#connection.settings, signal), signal);
    const idempotent = new Map<string, boolean>();
    for (const tool of tools) idempotent.set(tool.name, tool.idempotent && idempotent.get(tool.name) !== false);
    this.#idempotent = idempotent;
    return tools;
  }

  /** Whether a tool may be run again. Asked once, when a connection was lost; false when that cannot be found out. */
  async isIdempotent(tool: string, signal: AbortSignal): Promise<boolean> {
    try {
      if (this.#idempotent === undefined) await this.list(signal);
    } catch {
      return false;
    }
    return this.#idempotent?.get(tool) ?? false;
  }
}
