/**
 * Snakepit: supervised pools of Python workers, called from TypeScript as if Python were a typed library of its own.
 *
 * {@link Snakepit.open} starts the workers, `execute` and `executeStream` call their tools. Every failure is a member of one family of errors, told
 * apart by `_tag`; {@link isSnakepitError} recognizes them.
 *
 * @module
 */
export { type Adapter, type PrepareOptions, validateAdapter } from "./adapter/adapter.ts";
export type { Containment } from "./adapter/containment.ts";
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
export * from "./errors/index.ts";
export type { HostToolContext, HostToolOptions } from "./host/host-tools.ts";
export type { OpenOptions, SessionStore } from "./pit/options.ts";
export { type Callable, type MetricSnapshot, type PoolHandle, Snakepit } from "./pit/snakepit.ts";
export type { BreakerState } from "./pool/breaker.ts";
export type { CallError, OpenError } from "./pool/errors.ts";
export { type LogEvent, printLogJson } from "./pool/logs.ts";
export type {
  BreakerOptions,
  CallOptions,
  HeartbeatOptions,
  PoolOptions,
  RetryBudgetOptions,
  ToolSource,
  WorkersOptions,
} from "./pool/options.ts";
export type { Recycling } from "./pool/recycling.ts";
export type { PitHealth, PitStats, PoolHealth, PoolStats, WorkerInfo } from "./pool/stats.ts";
export type { SessionCallError, SessionError, SessionOpenError, VariableError } from "./session/errors.ts";
export type { SessionsOptions } from "./session/options.ts";
export { Session, type SessionVariables } from "./session/session.ts";
export { type SqliteOptions, sqlite } from "./session/sqlite.ts";
export type {
  CallEvent,
  CallOutcome,
  ChangedBy,
  CountersEvent,
  DroppedEvent,
  PitEvent,
  PoolFigures,
  RecycleReason,
  SessionEvent,
  SpanAttribute,
  SpanEvent,
  StatisticsEvent,
  VariableEvent,
  WorkerEvent,
} from "./telemetry/event.ts";
export type { HostFunction, Progress } from "./tool/call.ts";
export type { ParameterInfo, ToolInfo } from "./tool/info.ts";
export { Lease, NdArray, ObjectRef, type TypedArray } from "./value/index.ts";
