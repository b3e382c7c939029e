/** What programs are told about a tool. */
import type { Tool } from "../gen/snakepit/v1/tool_pb.ts";

/** One parameter of a tool. */
export interface ParameterInfo {
  readonly name: string;
  /** The type hint as it reads in Python; empty when there is none. */
  readonly type: string;
  /** False when it has a default. */
  readonly required: boolean;
  /** The default as JSON; undefined when there is none, or none that JSON can hold. */
  readonly defaultJson: string | undefined;
  /** Whether it takes an async iterable, which arrives as an iterator. */
  readonly inputStream: boolean;
  /** Whether it is `**kwargs`, which takes what is left over. */
  readonly rest: boolean;
}

/** One tool. */
export interface ToolInfo {
  /** Its name; a method is "Class.method". */
  readonly name: string;
  /** From its docstring. */
  readonly description: string;
  /** Whether it is called with `executeStream`. */
  readonly streaming: boolean;
  /** Whether it may be run again after a crash. */
  readonly idempotent: boolean;
  /** Whether it is `async def`; such tools run together. */
  readonly asynchronous: boolean;
  /** In the order of its signature, without a session. */
  readonly parameters: readonly ParameterInfo[];
  /** JSON Schema of its arguments. */
  readonly inputSchemaJson: string;
  /** JSON Schema of its result, or of one item of its stream; empty when the hint is missing. */
  readonly outputSchemaJson: string;
  /** File and line of its definition. */
  readonly location: string;
}

/** The tool without what only the wire needs. */
export function toolInfo(tool: Tool): ToolInfo {
  const { name, description, streaming, idempotent, asynchronous, inputSchemaJson, outputSchemaJson, location } = tool;
  const parameters = tool.parameters.map(
    (p): ParameterInfo => ({
      name: p.name,
      type: p.type,
      required: p.required,
      defaultJson: p.defaultJson,
      inputStream: p.inputStream,
      rest: p.rest,
    }),
  );
  return { name, description, streaming, idempotent, asynchronous, parameters, inputSchemaJson, outputSchemaJson, location };
}
