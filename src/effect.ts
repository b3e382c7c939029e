/**
 * Snakepit for programs written with Effect: `Pool.Pool` is the service, `Pool.layer` opens it.
 *
 * @module
 */
export * from "./errors/index.ts";
export type { OpenOptions } from "./pit/options.ts";
export * as Pool from "./pit/service.ts";
export type { CallError, OpenError } from "./pool/errors.ts";
export type { LogEvent } from "./pool/logs.ts";
export type { PoolOptions, Retry, ToolSource } from "./pool/options.ts";
