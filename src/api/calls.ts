/** Calling tools, wherever the workers are. */
import { InvalidArguments, InvalidOptions } from "../errors/index.ts";
import { isTraceparent } from "../telemetry/traceparent.ts";
import { type Check, type Checks, isObject, timeout } from "./check.ts";

/** Arguments of a tool, by parameter name. In the program that has the workers an async iterable among them arrives in Python as an iterator. */
export type ToolArguments = Readonly<Record<string, unknown>>;

/**
 * Which calls are sent again after their worker died, or their way to the pit broke: those that never reached Python and those of tools declared
 * `idempotent=True`, none, or all. What a tool raises is never a reason to run it again.
 */
export type Retry = "safe" | "never" | "always";

/** Options of one call that make sense wherever the workers are. */
export interface ToolCallOptions {
  /** Longest time in milliseconds, the queue included; Infinity for none. Default: the pool's `timeoutMs`, `streamTimeoutMs` for a stream. */
  readonly timeoutMs?: number | undefined;
  /** Cancels the call: it fails with Cancelled, whose cause is the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whether it is sent again after its worker died. Default: the pool's `retry`. */
  readonly retry?: Retry | undefined;
  /**
   * W3C trace context, such as "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01": spans of the tool belong to that trace. Default: none; with Effect that of
   * the current span.
   */
  readonly traceparent?: string | undefined;
  /** Calls of a higher priority leave the queue first. Default 0. */
  readonly priority?: number | undefined;
}

/** What tools are called through: a pit, one of its pools, a session, or any of these behind a gateway. */
export interface ToolCaller {
  /**
   * Calls a tool that does not stream.
   *
   * @param tool - Its name; a method is "Class.method".
   * @param args - Arguments by parameter name.
   * @returns What the tool returned; docs/values.md says what becomes of which type.
   */
  execute<Result = unknown>(tool: string, args?: ToolArguments, options?: ToolCallOptions): Promise<Result>;
  /**
   * Calls a streaming tool. The call starts when the first item is asked for, and stops the tool when items are not taken. Leaving the loop early
   * closes the Python generator.
   */
  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options?: ToolCallOptions): AsyncIterableIterator<Item>;
}

/** What `retry` may be. */
export const retryCheck: Check = { expected: '"safe", "never" or "always"', ok: (x) => x === "safe" || x === "never" || x === "always" };

/** What the options of a call may be. */
export const callChecks: Checks<ToolCallOptions> = {
  traceparent: { expected: "a W3C trace context of version 00", ok: (x) => typeof x === "string" && isTraceparent(x) },
  timeoutMs: timeout,
  signal: { expected: "an AbortSignal", ok: (x) => isObject(x) && "aborted" in x && "addEventListener" in x },
  retry: retryCheck,
  priority: { expected: "a number", ok: (x) => typeof x === "number" && !Number.isNaN(x) },
};

/** Throws InvalidOptions or InvalidArguments for what only a program without types can give. */
export function checkCall(tool: string, args: ToolArguments | undefined): void {
  if (typeof tool !== "string") throw new InvalidOptions({ option: "tool", expected: "the name of a tool" });
  if (args !== undefined && !isObject(args)) {
    throw new InvalidArguments({ tool, argument: "", path: "$", expected: "arguments are an object by parameter name" });
  }
}
