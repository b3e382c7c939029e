/** The functions of the program that Python may call by name. */
import { create } from "@bufbuild/protobuf";
import { InvalidOptions, ToolNotFound } from "../errors/index.ts";
import { type Tool, ToolSchema } from "../gen/snakepit/v1/tool_pb.ts";
import type { HostFunction } from "../tool/call.ts";
import { nearestNames } from "../tool/nearest.ts";
import { type Arguments, plainArguments, schemaArguments } from "./arguments.ts";

const MAX_NAME_LENGTH = 200;

/** What a host tool gets as its last argument. */
export interface HostToolContext {
  /** Aborted when Python wants the answer no more: it cancelled the call, its deadline passed, or the worker ended. */
  readonly signal: AbortSignal;
  /** The session that the call belongs to; empty outside a session. */
  readonly session: string;
  /** How often the chain of calls that leads here has come from Python to TypeScript, this time included. */
  readonly depth: number;
}

/** How a function is provided. */
export interface HostToolOptions {
  /**
   * What its named arguments must be: a JSON Schema of an object, or a schema of any library that follows Standard Schema (Zod, Valibot, ArkType, Effect). Python
   * is refused with InvalidArguments when they do not fit, and the function gets one object with all of them by name. Default: nothing is checked.
   */
  readonly schema?: object | undefined;
  /** What it is for, as Python lists it. Default: nothing. */
  readonly description?: string | undefined;
  /** Whether it gives a stream. Default: told by what it returns, which Python learns in advance of generator functions alone. */
  readonly streaming?: boolean | undefined;
}

/** A function that was provided. */
export interface HostTool {
  /** Its name. */
  readonly name: string;
  /** What it does. */
  readonly fn: HostFunction;
  /** Makes its arguments of what Python sends. */
  readonly arguments: Arguments;
  /** Whether it gives a stream; undefined when that shows only when it runs. */
  readonly streaming: boolean | undefined;
  /** As Python lists it. */
  readonly listing: Tool;
}

/** The host tools of a pit and of its sessions. */
export class HostTools {
  readonly #scopes = new Map<string, Map<string, HostTool>>();
  readonly #listeners = new Set<(session: string) => void>();

  /**
   * Lets Python call a function, and answers what takes that back.
   *
   * @param session - The session whose calls may; empty for all of them.
   * @throws InvalidOptions when an option makes no sense, or when the name is taken there. A session may have a tool of the same name as its pit.
   */
  provide(session: string, name: string, fn: HostFunction, options: HostToolOptions = {}): () => void {
    const tool = makeTool(name, fn, options);
    let scope = this.#scopes.get(session);
    if (scope?.has(name)) throw new InvalidOptions({ option: "name", expected: `another than "${name}", which is provided already` });
    if (scope === undefined) {
      scope = new Map();
      this.#scopes.set(session, scope);
    }
    scope.set(name, tool);
    this.#tell(session);
    return () => {
      const tools = this.#scopes.get(session);
      // The name may have been given to another function since.
      if (tools?.get(name) !== tool) return;
      tools.delete(name);
      if (tools.size === 0) this.#scopes.delete(session);
      this.#tell(session);
    };
  }

  /** Calls the listener with the session whose tools have changed, with an empty id when those of all have. Answers what takes that back. */
  onChange(listener: (session: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The tool that a call of this session means: the session's own before the pit's. Throws ToolNotFound when there is none. */
  get(session: string, name: string): HostTool {
    const tool = this.#scopes.get(session)?.get(name) ?? this.#scopes.get("")?.get(name);
    if (tool !== undefined) return tool;
    const names = this.list(session).map((listing) => listing.name);
    throw new ToolNotFound({ tool: name, nearest: nearestNames(name, names) });
  }

  /** What calls of this session may call, its own tools first. */
  list(session: string): Tool[] {
    const own = session === "" ? undefined : this.#scopes.get(session);
    const listings = new Map<string, Tool>();
    for (const scope of [own, this.#scopes.get("")]) {
      for (const { name, listing } of scope?.values() ?? []) {
        if (!listings.has(name)) listings.set(name, listing);
      }
    }
    return [...listings.values()];
  }

  #tell(session: string): void {
    for (const listener of this.#listeners) listener(session);
  }
}

function makeTool(name: string, fn: HostFunction, options: HostToolOptions): HostTool {
  if (typeof name !== "string" || name === "" || name.length > MAX_NAME_LENGTH) {
    throw new InvalidOptions({ option: "name", expected: `text of 1 to ${MAX_NAME_LENGTH} characters` });
  }
  if (typeof fn !== "function") throw new InvalidOptions({ option: "fn", expected: "a function" });
  const { schema, description = "", streaming = isGeneratorFunction(fn) || undefined } = options;
  if (typeof description !== "string") throw new InvalidOptions({ option: "description", expected: "text" });
  if (streaming !== undefined && typeof streaming !== "boolean")
    throw new InvalidOptions({ option: "streaming", expected: "true or false" });
  const checked = schema === undefined ? undefined : schemaArguments(name, schema);
  const listing = create(ToolSchema, { name, description, streaming: streaming === true, inputSchemaJson: checked?.schemaJson ?? "" });
  return { name, fn, arguments: checked?.arguments ?? plainArguments, streaming, listing };
}

/** Whether a function says by itself that it gives a stream. Asked by name: functions of another realm are of another class. */
function isGeneratorFunction(fn: HostFunction): boolean {
  return /^\[object (?:Async)?GeneratorFunction\]$/.test(Object.prototype.toString.call(fn));
}
