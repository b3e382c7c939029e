/** Functions that Python may call, written with Effect. */
import { Context, Effect, Stream, Tracer } from "effect";
import { parseTraceparent } from "../telemetry/traceparent.ts";
import type { HostFunction } from "../tool/call.ts";
import { currentHostCall } from "../tool/host-call.ts";

/** A function that gives a value, a promise, an Effect, an async iterable or a Stream. */
// biome-ignore lint/suspicious/noExplicitAny: it may take anything that can travel, as a listener of events does
export type EffectFunction<R> = (...args: any[]) => Effect.Effect<unknown, unknown, R> | Stream.Stream<unknown, unknown, R> | unknown;

/**
 * The same function for the plain side: an Effect becomes a promise, a Stream an async iterable.
 *
 * @param context - What its effects need.
 */
export const plainFunction =
  <R>(fn: EffectFunction<R>, context: Context.Context<R>): HostFunction =>
  (...args) => {
    const result: unknown = fn(...args);
    // What they need stands in the type of the function; that is gone at run time.
    if (Stream.isStream(result)) return Stream.toAsyncIterableWith(result as Stream.Stream<unknown, unknown, R>, traced(context));
    if (Effect.isEffect(result))
      return Effect.runPromiseWith(traced(context))(result as Effect.Effect<unknown, unknown, R>, signalOf(args));
    return result;
  };

/** Puts what runs under the span of the Python code that calls. */
function traced<R>(context: Context.Context<R>): Context.Context<R> {
  const trace = parseTraceparent(currentHostCall()?.traceparent ?? "");
  return trace === undefined ? context : Context.add(context, Tracer.ParentSpan, Tracer.externalSpan(trace));
}

/** The signal that every function gets with its last argument: interrupts the effect when nobody waits any more. */
function signalOf(args: readonly unknown[]): { readonly signal?: AbortSignal } {
  const last = args.at(-1);
  return typeof last === "object" && last !== null && "signal" in last && last.signal instanceof AbortSignal ? { signal: last.signal } : {};
}
