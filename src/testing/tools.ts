/** Tools that are TypeScript functions. */
import { create } from "@bufbuild/protobuf";
import { type Tool, ToolSchema } from "../gen/snakepit/v1/tool_pb.ts";
import type { Progress } from "../tool/call.ts";

/** What a tool is told beside its arguments. */
export interface InMemoryContext {
  /** Aborted when the call is cancelled, is past its deadline, or its worker ends. A tool that goes on past the grace period costs its worker, as in Python. */
  readonly signal: AbortSignal;
  /** The worker that runs it. */
  readonly worker: string;
  /** The session of the call; empty outside a session. */
  readonly session: string;
  /** Tells the caller how far it is, as `snakepit.progress` does. */
  progress(progress: Progress): void;
}

/** What a tool does. A generator, asynchronous or not, makes it a streaming tool. What it throws arrives as ToolFailed, errors of the family as they are. */
export type InMemoryFunction = (args: Readonly<Record<string, unknown>>, context: InMemoryContext) => unknown;

/** A tool with what else there is to say of it. */
export interface InMemoryTool {
  readonly run: InMemoryFunction;
  /** Whether it may run again after its worker died. Default false. */
  readonly idempotent?: boolean;
  /** Whether it is called with `executeStream`. Default: whether `run` is a generator function; say it where a compiler has made something else of it. */
  readonly streaming?: boolean;
}

/** Tools by name. */
export type InMemoryTools = Readonly<Record<string, InMemoryFunction | InMemoryTool>>;

/** A tool as a worker has it. */
export interface ServedTool {
  readonly spec: Tool;
  readonly run: InMemoryFunction;
}

/** Tools as a worker has them, by name. */
export function servedTools(tools: InMemoryTools): ReadonlyMap<string, ServedTool> {
  return new Map(
    Object.entries(tools).map(([name, given]) => {
      const { run, idempotent = false, streaming = isGenerator(run) }: InMemoryTool = typeof given === "function" ? { run: given } : given;
      return [name, { run, spec: create(ToolSchema, { name, idempotent, streaming, asynchronous: true }) }];
    }),
  );
}

function isGenerator(run: InMemoryFunction): boolean {
  const { name } = run.constructor;
  return name === "GeneratorFunction" || name === "AsyncGeneratorFunction";
}
