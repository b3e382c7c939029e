/** Which requests are made again, and when. */
import type { Retry } from "../api/calls.ts";
import { isSnakepitError, type SnakepitError } from "../errors/index.ts";
import { type ClientSettings, LONGEST_BACKOFF_MS, LONGEST_RETRY_AFTER_MS } from "./options.ts";
import { sleep } from "./waiting.ts";

/** What is known of a request that may be made again. */
export interface Repeatable {
  readonly retry: Retry;
  /** Whether it may run twice. Asked only when it may have run. */
  readonly idempotent: () => boolean | Promise<boolean>;
  /** When it has to be over, as `performance.now()` tells time; Infinity for never. */
  readonly deadline: number;
}

/** A request that changes nothing. */
export const reading: Repeatable = { retry: "safe", idempotent: () => true, deadline: Number.POSITIVE_INFINITY };

/** A request that changes something, each time it is made. */
export const changing: Repeatable = { ...reading, idempotent: () => false };

/** Milliseconds to wait before the request is made again, or undefined when it is not, could not be before its time is up, or only after too long a wait. */
export async function retryDelayMs(
  error: SnakepitError,
  made: number,
  { retry, idempotent, deadline }: Repeatable,
  settings: Pick<ClientSettings, "retries" | "retryBackoffMs">,
): Promise<number | undefined> {
  if (retry === "never" || made > settings.retries) return undefined;
  if (!error.retryable) {
    // What the gateway answers has run as often as it was to: only whoever heard nothing may ask again.
    if (error._tag !== "ConnectionLost") return undefined;
    if (retry !== "always" && !(await idempotent())) return undefined;
  }
  const delayMs = waitMs(error, made, settings.retryBackoffMs);
  // Who waits is told what happened rather than that the time is up.
  return delayMs !== undefined && performance.now() + delayMs < deadline ? delayMs : undefined;
}

/** The wait after so many attempts. Half of it is random, so that those who failed together do not come back together. */
export function backoffMs(made: number, firstMs: number): number {
  return Math.min(firstMs * 2 ** (made - 1), LONGEST_BACKOFF_MS) * (0.5 + Math.random() / 2);
}

/**
 * Milliseconds to wait after so many attempts: no less than RateLimited and CircuitOpen ask for, or undefined when that is more than a client waits, or no
 * number.
 */
export function waitMs(error: SnakepitError, made: number, firstMs: number): number | undefined {
  const afterMs = "retryAfterMs" in error ? Number(error.retryAfterMs) : 0;
  return afterMs <= LONGEST_RETRY_AFTER_MS ? Math.max(backoffMs(made, firstMs), afterMs) : undefined;
}

/** Makes a request until it succeeds or is not to be made again. Waits no longer than the signal allows. */
export async function repeated<T>(
  request: () => Promise<T>,
  how: Repeatable,
  settings: Pick<ClientSettings, "retries" | "retryBackoffMs">,
  signal: AbortSignal,
): Promise<T> {
  for (let made = 1; ; made++) {
    try {
      return await request();
    } catch (error) {
      await waitToRepeat(error, made, how, settings, signal);
    }
  }
}

/** Resolves when a request that has failed may be made again; rejects with what it failed with when it may not. */
export async function waitToRepeat(
  error: unknown,
  made: number,
  how: Repeatable,
  settings: Pick<ClientSettings, "retries" | "retryBackoffMs">,
  signal: AbortSignal,
): Promise<void> {
  if (signal.aborted || !isSnakepitError(error)) throw error;
  const delayMs = await retryDelayMs(error, made, how, settings);
  if (delayMs === undefined) throw error;
  await sleep(delayMs, signal);
}
