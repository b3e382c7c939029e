/** The tools of a pool by name, as its workers said them, with what the host has learnt about each. */
import { InvalidOptions, StreamingMismatch, ToolNotFound } from "../errors/index.ts";
import type { Tool } from "../gen/snakepit/v1/tool_pb.ts";
import { nearestNames } from "./nearest.ts";
import { Pace } from "./pace.ts";

/** One tool as calls see it. */
export class ToolEntry {
  /** What the worker said of it. */
  readonly tool: Tool;
  /** How long its runs take. */
  readonly pace: Pace;
  /** Whether one of its parameters is a stream, so that a run lasts as long as the caller likes. */
  readonly takesStreams: boolean;
  /** Most calls of one run of a batch tool; 0 for any other. */
  readonly batchSize: number;

  constructor(tool: Tool, pace: Pace) {
    this.tool = tool;
    this.pace = pace;
    this.takesStreams = tool.parameters.some((parameter) => parameter.inputStream);
    this.batchSize = tool.batch?.maxSize ?? 0;
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
    const before = new Map(this.#entries);
    this.#entries.clear();
    for (const tool of tools) this.#entries.set(tool.name, new ToolEntry(tool, before.get(tool.name)?.pace ?? new Pace()));
  }

  /** Whether there is a tool of this name. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * The tool, or the error that a call of it fails with: ToolNotFound, StreamingMismatch when it is to be called by the other method, or
   * InvalidOptions when `name` is no name at all, which only a program without types can give.
   */
  find(name: string, streaming: boolean): ToolEntry | ToolNotFound | StreamingMismatch | InvalidOptions {
    const entry = this.#entries.get(name);
    if (typeof name !== "string") return new InvalidOptions({ option: "tool", expected: "the name of a tool" });
    if (entry === undefined) return new ToolNotFound({ tool: name, nearest: nearestNames(name, this.#entries.keys()) });
    if (entry.tool.streaming === streaming) return entry;
    return new StreamingMismatch({ tool: name, streaming: entry.tool.streaming, use: streaming ? "execute" : "executeStream" });
  }
}
