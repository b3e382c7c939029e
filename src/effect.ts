/**
 * Snakepit for programs written with Effect: `Pool.Pool` is the service, `Pool.layer` opens it, `Session.make` is a session of it.
 *
 * @module
 */
export type { Retry } from "./api/calls.ts";
export * from "./errors/index.ts";
export * as Gateway from "./gateway/service.ts";
export type { HostToolContext, HostToolOptions } from "./host/host-tools.ts";
export type { OpenOptions, SessionStore } from "./pit/options.ts";
export * as Pool from "./pit/service.ts";
export type { CallError, OpenError } from "./pool/errors.ts";
export type { LogEvent } from "./pool/logs.ts";
export type { PoolOptions, ToolSource } from "./pool/options.ts";
export * as Session from "./session/service.ts";
export type { PitEvent } from "./telemetry/event.ts";
export { Lease, NdArray, ObjectRef, type TypedArray } from "./value/index.ts";
