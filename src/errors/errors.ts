/**
 * Every member of the family, in the order a call meets them: options and environment, start, the call itself, the worker, the pool, the wire,
 * sessions, access.
 */
import { Code } from "@connectrpc/connect";
import { define } from "./snakepit-error.ts";

const list = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(", ");

/** Fails `open` and every function that takes options: an option has a value that makes no sense. */
export const InvalidOptions = define("InvalidOptions", {
  code: Code.InvalidArgument,
  message: (f: { readonly option: string; readonly expected: string }) => `Option "${f.option}" must be ${f.expected}.`,
});
export type InvalidOptions = InstanceType<typeof InvalidOptions>;

/** Fails `open`: there is no Python, or only one that is too old. */
export const PythonNotFound = define("PythonNotFound", {
  code: Code.FailedPrecondition,
  message: (f: { readonly looked: readonly string[]; readonly reason: string; readonly mend: string }) => `${f.reason} ${f.mend}`,
});
export type PythonNotFound = InstanceType<typeof PythonNotFound>;

/** Fails `open`: Python is there but its packages are not and could not be put there. */
export const EnvironmentFailed = define("EnvironmentFailed", {
  code: Code.FailedPrecondition,
  message: (f: { readonly python: string; readonly reason: string; readonly mend: string }) => `${f.reason} ${f.mend}`,
});
export type EnvironmentFailed = InstanceType<typeof EnvironmentFailed>;

/** Fails `open` and calls: a worker could not start. For a failed import, `type`, `traceback` and `cause` are those of the import error. */
export const WorkerStartFailed = define("WorkerStartFailed", {
  code: Code.FailedPrecondition,
  message: (f: {
    readonly worker: string;
    readonly reason: string;
    readonly type: string;
    readonly traceback: string;
    readonly stderr: readonly string[];
  }) => `Worker ${f.worker} did not start: ${f.reason}`,
});
export type WorkerStartFailed = InstanceType<typeof WorkerStartFailed>;

/** Fails a call: no worker of the pool has a tool of this name. */
export const ToolNotFound = define("ToolNotFound", {
  code: Code.NotFound,
  message: (f: { readonly tool: string; readonly nearest: readonly string[] }) =>
    `There is no tool "${f.tool}"${f.nearest.length > 0 ? `; did you mean ${list(f.nearest)}?` : "."}`,
});
export type ToolNotFound = InstanceType<typeof ToolNotFound>;

/** Fails a call before any user code runs: an argument is missing, unknown or of the wrong type. `path` leads to it, such as `$.rows[2]`. */
export const InvalidArguments = define("InvalidArguments", {
  code: Code.InvalidArgument,
  message: (f: { readonly tool: string; readonly argument: string; readonly path: string; readonly expected: string }) =>
    `Tool "${f.tool}", argument "${f.argument}": ${f.expected}`,
});
export type InvalidArguments = InstanceType<typeof InvalidArguments>;

/** Fails a call: a streaming tool was called with `execute`, or the reverse. `use` names the method that fits: TypeScript's, or Python's for a host tool. */
export const StreamingMismatch = define("StreamingMismatch", {
  code: Code.FailedPrecondition,
  message: (f: {
    readonly tool: string;
    readonly streaming: boolean;
    readonly use: "execute" | "executeStream" | "call_tool" | "stream_tool";
  }) => `Tool "${f.tool}" ${f.streaming ? "streams" : "does not stream"}: call it with ${f.use}.`,
});
export type StreamingMismatch = InstanceType<typeof StreamingMismatch>;

/** Fails a call: this kind of worker cannot stream at all. */
export const StreamingNotSupported = define("StreamingNotSupported", {
  code: Code.Unimplemented,
  message: (f: { readonly adapter: string }) => `Workers of the adapter "${f.adapter}" cannot stream.`,
});
export type StreamingNotSupported = InstanceType<typeof StreamingNotSupported>;

/** Fails a call: a value cannot travel. `path` leads to it inside the value, such as `$.rows[2].f`. */
export const UnsupportedValue = define("UnsupportedValue", {
  code: Code.InvalidArgument,
  message: (f: { readonly path: string; readonly reason: string }) => `The value at ${f.path} cannot travel: ${f.reason}.`,
});
export type UnsupportedValue = InstanceType<typeof UnsupportedValue>;

/** Fails a call on the side that would send too much. Nothing was sent. `option` is the option that raises the limit. */
export const PayloadTooLarge = define("PayloadTooLarge", {
  code: Code.ResourceExhausted,
  message: (f: { readonly size: number; readonly limit: number; readonly option: string }) =>
    `${f.size} bytes are over the limit of ${f.limit}; raise it with the option "${f.option}".`,
});
export type PayloadTooLarge = InstanceType<typeof PayloadTooLarge>;

/** One exception of a Python cause chain. */
export interface PythonCause {
  /** Its type, such as "ValueError". */
  readonly type: string;
  /** What it says. */
  readonly message: string;
  /** Its traceback as Python prints it. */
  readonly traceback: string;
}

/** Fails a call: the tool raised. `causes` are what led to it, nearest first. */
export const ToolFailed = define("ToolFailed", {
  code: Code.Unknown,
  message: (f: {
    readonly tool: string;
    readonly type: string;
    readonly detail: string;
    readonly traceback: string;
    readonly causes: readonly PythonCause[];
  }) => `Tool "${f.tool}" raised ${f.type}: ${f.detail}`,
});
export type ToolFailed = InstanceType<typeof ToolFailed>;

/** What Python sees of a TypeScript tool that failed, and what a call fails with when nobody in Python caught it. */
export const HostToolFailed = define("HostToolFailed", {
  code: Code.Unknown,
  message: (f: { readonly tool: string; readonly type: string; readonly detail: string; readonly stack: string }) =>
    `Host tool "${f.tool}" failed with ${f.type}: ${f.detail}`,
});
export type HostToolFailed = InstanceType<typeof HostToolFailed>;

/** Fails a call: an input stream failed where it is made. `cause` is the original error. The tool sees `snakepit.InputError`. */
export const InputFailed = define("InputError", {
  code: Code.Aborted,
  message: (f: { readonly tool: string; readonly argument: string; readonly detail: string }) =>
    `The input stream "${f.argument}" of tool "${f.tool}" failed: ${f.detail}`,
});
export type InputFailed = InstanceType<typeof InputFailed>;

/** Fails a call past its deadline. `limit` says which one: the call's, the stream's or the wait in the queue. */
export const CallTimeout = define("CallTimeout", {
  code: Code.DeadlineExceeded,
  message: (f: { readonly tool: string; readonly timeoutMs: number; readonly limit: "call" | "stream" | "start" }) =>
    `Tool "${f.tool}" took longer than the ${f.limit} limit of ${f.timeoutMs} ms.`,
});
export type CallTimeout = InstanceType<typeof CallTimeout>;

/** Fails a call that was cancelled by its signal, by interruption, or by leaving its stream. `cause` is the signal's reason. */
export const Cancelled = define("Cancelled", {
  code: Code.Canceled,
  message: (f: { readonly tool: string }) => `The call of tool "${f.tool}" was cancelled.`,
});
export type Cancelled = InstanceType<typeof Cancelled>;

/** Fails a call whose worker died. Retryable when the call had not reached Python. `oom` is true when the kernel's memory killer did it. */
export const WorkerCrashed = define("WorkerCrashed", {
  code: Code.Unavailable,
  message: (f: {
    readonly worker: string;
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly oom: boolean;
    readonly attempts: number;
    readonly stderr: readonly string[];
  }) => {
    const itself = f.exitCode === null ? "ended" : `ended with exit code ${f.exitCode}`;
    const how = f.oom ? "was killed because memory ran out" : f.signal ? `was ended by ${f.signal}` : itself;
    const tries = f.attempts > 1 ? ` after ${f.attempts} attempts of this call` : "";
    return `Worker ${f.worker} ${how}${tries}${f.stderr.length > 0 ? `; its last words: ${f.stderr.at(-1)}` : "."}`;
  },
});
export type WorkerCrashed = InstanceType<typeof WorkerCrashed>;

/** Fails a call when the connection to its worker was lost while the process may still be there. */
export const ConnectionLost = define("ConnectionLost", {
  code: Code.Unavailable,
  message: (f: { readonly worker: string; readonly reason: string }) => `The connection to worker ${f.worker} was lost: ${f.reason}.`,
});
export type ConnectionLost = InstanceType<typeof ConnectionLost>;

/** Fails a call at once: the queue of its pool is full. Retryable. */
export const QueueFull = define("QueueFull", {
  code: Code.ResourceExhausted,
  retryable: true,
  message: (f: { readonly pool: string; readonly size: number }) => `The queue of pool "${f.pool}" is full (${f.size} calls wait).`,
});
export type QueueFull = InstanceType<typeof QueueFull>;

/** Fails a call that waited too long for a worker. It never reached Python, so it is retryable. */
export const QueueTimeout = define("QueueTimeout", {
  code: Code.Unavailable,
  retryable: true,
  message: (f: { readonly pool: string; readonly waitedMs: number }) => `No worker of pool "${f.pool}" was free within ${f.waitedMs} ms.`,
});
export type QueueTimeout = InstanceType<typeof QueueTimeout>;

/** Fails calls of a pool that is closing or closed. */
export const PoolClosed = define("PoolClosed", {
  code: Code.FailedPrecondition,
  message: (f: { readonly pool: string }) => `Pool "${f.pool}" is closed.`,
});
export type PoolClosed = InstanceType<typeof PoolClosed>;

/** Fails calls while the breaker of a pool is open. Retryable later. */
export const CircuitOpen = define("CircuitOpen", {
  code: Code.Unavailable,
  retryable: true,
  message: (f: { readonly pool: string; readonly retryAfterMs: number }) =>
    `Pool "${f.pool}" rests after failures; try again in ${f.retryAfterMs} ms.`,
});
export type CircuitOpen = InstanceType<typeof CircuitOpen>;

/** The peer broke the protocol, or the two sides speak different versions of it. */
export const ProtocolError = define("ProtocolError", {
  code: Code.Internal,
  message: (f: { readonly reason: string }) => `Protocol error: ${f.reason}.`,
});
export type ProtocolError = InstanceType<typeof ProtocolError>;

/** There is no session of this id. */
export const SessionNotFound = define("SessionNotFound", {
  code: Code.NotFound,
  message: (f: { readonly session: string }) => `There is no session "${f.session}".`,
});
export type SessionNotFound = InstanceType<typeof SessionNotFound>;

/** The session outlived its time. */
export const SessionExpired = define("SessionExpired", {
  code: Code.NotFound,
  message: (f: { readonly session: string }) => `Session "${f.session}" has expired.`,
});
export type SessionExpired = InstanceType<typeof SessionExpired>;

/** The handle of a session was used after it was closed. */
export const SessionClosed = define("SessionClosed", {
  code: Code.FailedPrecondition,
  message: (f: { readonly session: string }) => `This handle of session "${f.session}" is closed.`,
});
export type SessionClosed = InstanceType<typeof SessionClosed>;

/** There is no variable of this name or id. */
export const VariableNotFound = define("VariableNotFound", {
  code: Code.NotFound,
  message: (f: { readonly variable: string }) => `There is no variable "${f.variable}".`,
});
export type VariableNotFound = InstanceType<typeof VariableNotFound>;

/** A variable of this name is there already. */
export const VariableExists = define("VariableExists", {
  code: Code.AlreadyExists,
  message: (f: { readonly variable: string }) => `There is a variable "${f.variable}" already.`,
});
export type VariableExists = InstanceType<typeof VariableExists>;

/** A value breaks the type or a constraint of its variable. */
export const VariableInvalid = define("VariableInvalid", {
  code: Code.InvalidArgument,
  message: (f: { readonly variable: string; readonly constraint: string; readonly expected: string }) =>
    `Variable "${f.variable}" must be ${f.expected}.`,
});
export type VariableInvalid = InstanceType<typeof VariableInvalid>;

/** A variable has another version than the writer expected. Read it again, then write. */
export const VersionConflict = define("VersionConflict", {
  code: Code.Aborted,
  message: (f: { readonly variable: string; readonly expected: number; readonly actual: number }) =>
    `Variable "${f.variable}" is at version ${f.actual}, not ${f.expected}.`,
});
export type VersionConflict = InstanceType<typeof VersionConflict>;

/** A batch was refused. `errors` says why, by name. */
export const BatchFailed = define("BatchFailed", {
  code: Code.Aborted,
  message: (f: { readonly errors: Readonly<Record<string, string>> }) => `The batch failed for ${list(Object.keys(f.errors))}.`,
});
export type BatchFailed = InstanceType<typeof BatchFailed>;

/** A quota of sessions, variables or bytes is used up. */
export const QuotaExceeded = define("QuotaExceeded", {
  code: Code.ResourceExhausted,
  message: (f: { readonly quota: string; readonly limit: number }) => `The quota "${f.quota}" of ${f.limit} is used up.`,
});
export type QuotaExceeded = InstanceType<typeof QuotaExceeded>;

/** The place where sessions are kept cannot be opened, read or written. `cause` is what it said. Nothing was changed. */
export const StoreFailed = define("StoreFailed", {
  code: Code.Unavailable,
  message: (f: { readonly store: string; readonly reason: string }) => `The session store "${f.store}" failed: ${f.reason}`,
});
export type StoreFailed = InstanceType<typeof StoreFailed>;

/** A session with the affinity "strict-fail" found its worker busy or gone. */
export const AffinityUnavailable = define("AffinityUnavailable", {
  code: Code.Unavailable,
  retryable: true,
  message: (f: { readonly session: string; readonly worker: string }) => `Worker ${f.worker} of session "${f.session}" is not available.`,
});
export type AffinityUnavailable = InstanceType<typeof AffinityUnavailable>;

/** An object stored in a worker is not there any more: the worker has ended, or the object was released. */
export const ObjectLost = define("ObjectLost", {
  code: Code.NotFound,
  message: (f: { readonly object: string; readonly worker: string }) => `The object "${f.object}" is no longer in worker ${f.worker}.`,
});
export type ObjectLost = InstanceType<typeof ObjectLost>;

/** Calls between the two sides are nested too deep. */
export const CallDepthExceeded = define("CallDepthExceeded", {
  code: Code.FailedPrecondition,
  message: (f: { readonly tool: string; readonly limit: number }) => `The call of "${f.tool}" is nested deeper than ${f.limit}.`,
});
export type CallDepthExceeded = InstanceType<typeof CallDepthExceeded>;

/** Nobody is who they say, or nobody said who they are. */
export const Unauthenticated = define("Unauthenticated", {
  code: Code.Unauthenticated,
  message: (f: { readonly reason: string }) => `Not authenticated: ${f.reason}.`,
});
export type Unauthenticated = InstanceType<typeof Unauthenticated>;

/** The caller may not do this. */
export const PermissionDenied = define("PermissionDenied", {
  code: Code.PermissionDenied,
  message: (f: { readonly action: string }) => `Not allowed: ${f.action}.`,
});
export type PermissionDenied = InstanceType<typeof PermissionDenied>;

/** The caller asks too often. Retryable later. */
export const RateLimited = define("RateLimited", {
  code: Code.ResourceExhausted,
  retryable: true,
  message: (f: { readonly retryAfterMs: number }) => `Too many requests; try again in ${f.retryAfterMs} ms.`,
});
export type RateLimited = InstanceType<typeof RateLimited>;
