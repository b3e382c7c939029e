/** The tools of a pool by name, as its workers said them, with what the host has learnt about each. */
import { StreamingMismatch, ToolNotFound } from "../errors/index.ts";
import type { Tool } from "../gen/snakepit/v1/tool_pb.ts";
import { nearestNames } from "./nearest.ts";
import { Pace } from "./pace.ts";

/** One tool as calls see it. */
export class ToolEntry {
  /** How long its runs take. */
  readonly pace = new Pace();
  /** What the worker said of it. */
  tool: Tool;

  constructor(tool: Tool) {
    this.tool = tool;
  }
}

/** Every tool of a pool. */
export class Catalog {
  readonly #entries = new Map<string, ToolEntry>();

  /** All of them, in the order of their definition. */
  get tools(): readonly Tool[] {
    return Array.from(this.#entries.values(), (entry) => entry.tool);
  }

  /** Takes over what a worker said in its hello. What was learnt about tools that stay is kept. */
  update(tools: readonly Tool[]): void {
    const names = new Set(tools.map((tool) => tool.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const tool of tools) {
      const entry = this.#entries.get(tool.name);
      if (entry) entry.tool = tool;
      else this.#entries.set(tool.name, new ToolEntry(tool));
    }
  }

  /** Whether there is a tool of this name. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /** The tool, or the error that a call of it fails with: ToolNotFound, or StreamingMismatch when it is to be called by the other method. */
  find(name: string, streaming: boolean): ToolEntry | ToolNotFound | StreamingMismatch {
    const entry = this.#entries.get(name);
    if (entry === undefined) return new ToolNotFound({ tool: name, nearest: nearestNames(name, this.#entries.keys()) });
    if (entry.tool.streaming === streaming) return entry;
    return new StreamingMismatch({ tool: name, streaming: entry.tool.streaming, use: streaming ? "execute" : "executeStream" });
  }
}
