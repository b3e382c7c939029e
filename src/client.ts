/**
 * Snakepit where there is no Python: browsers, edge functions, anything with `fetch`. {@link connect} leads to the pit behind a gateway, which is used
 * like one of the program's own.
 *
 * @module
 */
export type { Retry, ToolArguments, ToolCaller, ToolCallOptions } from "./api/calls.ts";
export type { Affinity, PitLike, SessionInfo, SessionLike, SessionOptions } from "./api/sessions.ts";
export type {
  BuiltInType,
  Constraints,
  Metadata,
  ReadOutcome,
  SetManyOptions,
  SetOptions,
  Source,
  VariableChange,
  VariableDefinition,
  VariableEntry,
  VariablesLike,
  WatchOptions,
  WriteOutcome,
} from "./api/variables.ts";
export { connect, type RemotePit, type RemotePool } from "./client/client.ts";
export type { ConnectOptions, Fetch, Token } from "./client/options.ts";
export type { RemoteSession } from "./client/session.ts";
export type { RemoteVariables } from "./client/variables.ts";
export * from "./errors/index.ts";
export type { Progress } from "./tool/call.ts";
export type { ParameterInfo, ToolInfo } from "./tool/info.ts";
export { NdArray, type TypedArray } from "./value/index.ts";
