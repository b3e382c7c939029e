/** Effects that mostly need not wait, run for callers that are quicker without a promise. */
import { Cause, type Context, Effect, Exit, Fiber } from "effect";

/** Runs an effect. The answer is there at once when nothing had to be waited for, and a promise of it otherwise; failures are thrown the same way. */
export type RunNow = <A, E>(effect: Effect.Effect<A, E>) => A | Promise<A>;

/** Makes a {@link RunNow}. */
export function runNowWith(context: Context.Context<never>): RunNow {
  const fork = Effect.runForkWith(context);
  return (effect) => {
    const fiber = fork(effect);
    const exit = fiber.pollUnsafe();
    if (exit === undefined) return Effect.runPromise(Fiber.join(fiber));
    if (Exit.isSuccess(exit)) return exit.value;
    throw Cause.squash(exit.cause);
  };
}
