/** A call as a Promise, an Effect, an async iterator, a Stream: the same for a pit, one of its pools, and a session. */
import { Cause, Effect, Exit, Stream } from "effect";
import type { ToolArguments } from "../api/calls.ts";
import { familyOnly } from "../errors/family.ts";
import type { SnakepitError } from "../errors/index.ts";
import { type CallSpan, callSpan } from "../telemetry/call-span.ts";
import type { CallError } from "./errors.ts";
import type { CallOptions } from "./options.ts";
import type { Pool } from "./pool.ts";
import type { SessionRoute } from "./session-route.ts";
import { ItemStream, type StreamCall } from "./stream-call.ts";

/** Where calls go. */
export interface CallTarget {
  /** The pool that has a tool. Throws ToolNotFound when none has. */
  poolOf(tool: string): Pool;
  /** Where the calls of a session go in a pool. Left out outside of sessions. */
  routeIn?(pool: Pool): SessionRoute;
}

/** Options of one call; interruption takes the place of a signal. */
export type EffectCallOptions = Omit<CallOptions, "signal">;

/** A promise around one call; nothing else is allocated. */
export function callPromise<Result>(target: CallTarget, tool: string, args?: ToolArguments, options?: CallOptions): Promise<Result> {
  return new Promise<Result>((resolve, reject) => {
    const pool = target.poolOf(tool);
    // What a tool returns has the type that the caller says it has.
    pool.call(tool, args, options, resolve as (value: unknown) => void, reject, target.routeIn?.(pool));
  });
}

/** An effect around one call. Interrupting it interrupts the tool's code in Python. */
export const callEffect = <Result>(
  target: CallTarget,
  tool: string,
  args?: ToolArguments,
  options?: EffectCallOptions,
): Effect.Effect<Result, CallError> =>
  Effect.callback((resume) => {
    const span = callSpan(tool);
    const end = (exit: Exit.Exit<Result, CallError>): void => {
      span?.end(exit);
      resume(exit);
    };
    const fail = (error: unknown): void => end(Exit.fail(asCallError(error)));
    try {
      const pool = target.poolOf(tool);
      // What a tool returns has the type that the caller says it has.
      const succeed = (value: unknown): void => end(Exit.succeed(value as never));
      const call = pool.call(tool, args, traced(options, span), succeed, fail, target.routeIn?.(pool));
      return Effect.sync(() => {
        pool.cancel(call);
        span?.end(Exit.interrupt());
      });
    } catch (error) {
      return fail(error);
    }
  });

/** An iterator of the items of a streaming call, which starts when the first is asked for. */
export const itemIterator = <Item>(
  target: CallTarget,
  tool: string,
  args?: ToolArguments,
  options?: CallOptions,
): AsyncIterableIterator<Item> => new ItemStream<Item>(() => beginStream(target, tool, args, options));

/** A stream of the items of a streaming call. Ending it early closes the Python generator. */
export const itemStream = <Item>(
  target: CallTarget,
  tool: string,
  args?: ToolArguments,
  options?: EffectCallOptions,
): Stream.Stream<Item, CallError> => Stream.unwrap(batches(target, tool, args, options));

/** Starts a streaming call. Throws what it fails with before anything is sent. */
export function beginStream(target: CallTarget, tool: string, args?: ToolArguments, options?: CallOptions): StreamCall {
  const pool = target.poolOf(tool);
  return pool.stream(tool, args, options, target.routeIn?.(pool));
}

/** The batches of a streaming call as they arrive. */
const batches = Effect.fnUntraced(function* (
  target: CallTarget,
  tool: string,
  args: ToolArguments | undefined,
  options: EffectCallOptions | undefined,
) {
  const span = yield* Effect.acquireRelease(
    Effect.sync(() => callSpan(tool)),
    (span, exit) => Effect.sync(() => span?.end(exit)),
  );
  const call = yield* Effect.acquireRelease(
    Effect.try({ try: () => beginStream(target, tool, args, traced(options, span)), catch: (error) => asCallError(error) }),
    (call) => Effect.sync(() => call.leave()),
  );
  const pull = Effect.tryPromise({ try: () => call.pull(), catch: (error) => asCallError(error) }).pipe(
    Effect.flatMap((batch) => (isNonEmpty(batch) ? Effect.succeed(batch) : Cause.done())),
  );
  return Stream.fromPull(Effect.succeed(pull));
});

/** The options of a call that has a span of its own. A context that is given goes before it. */
const traced = (options: EffectCallOptions | undefined, span: CallSpan | undefined): EffectCallOptions | undefined =>
  span === undefined ? options : { ...options, traceparent: options?.traceparent ?? span.traceparent };

/** A batch has at least one item; there is none at the end. What a tool yields has the type that the caller says it has. */
const isNonEmpty = (batch: readonly unknown[] | undefined): batch is readonly [never, ...never[]] =>
  batch !== undefined && batch.length > 0;

// Which members can come stands where programs read it; the compiler does not follow exceptions.
const asCallError = (error: unknown): CallError => familyOnly<SnakepitError>(error) as CallError;
