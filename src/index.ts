/**
 * Snakepit: supervised pools of Python workers, called from TypeScript as if Python were a typed library of its own.
 *
 * {@link Snakepit.open} starts the workers, `execute` and `executeStream` call their tools. Every failure is a member of one family of errors, told
 * apart by `_tag`; {@link isSnakepitError} recognizes them.
 *
 * @module
 */
export { type Adapter, type PrepareOptions, validateAdapter } from "./adapter/adapter.ts";
export * from "./errors/index.ts";
export type { OpenOptions } from "./pit/options.ts";
export { type Callable, type PoolHandle, Snakepit } from "./pit/snakepit.ts";
export type { CallError, OpenError } from "./pool/errors.ts";
export type { LogEvent } from "./pool/logs.ts";
export type { CallOptions, PoolOptions, Retry, ToolSource } from "./pool/options.ts";
export type { ToolArguments } from "./pool/pool.ts";
export type { PitHealth, PitStats, PoolHealth, PoolStats, WorkerInfo } from "./pool/stats.ts";
export type { Progress } from "./tool/call.ts";
export type { ParameterInfo, ToolInfo } from "./tool/info.ts";
export { NdArray, type TypedArray } from "./value/index.ts";
