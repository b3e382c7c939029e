/** Whether a call whose worker died is sent again, and when. */
import type { PoolCall } from "./call.ts";
import type { PoolClock } from "./clock.ts";
import { constants } from "./defaults.ts";
import type { PoolSettings } from "./options.ts";

/** Suspicions after which a call that shares its worker runs alone. A quick one does at once: it costs nothing. */
const SUSPICIONS = 2;

/**
 * Lays the blame for a worker's death. A synchronous call that had its thread to itself, or a call that was alone on the worker, is taken to have
 * killed it. Any other is a suspect: when it is sent again it runs alone, so that a second death tells. A call is so never counted as poison because of
 * the company it was in.
 */
export function blame(call: PoolCall, alone: boolean): void {
  if (alone || call.weight === "slow") call.kills++;
  else {
    call.suspicions++;
    if (call.weight === "quick" || call.suspicions >= SUSPICIONS) call.alone = true;
  }
}

/** Whether the call may run again although it may have run before. */
function mayRunAgain(call: PoolCall): boolean {
  if (!call.repeatable) return false;
  return call.retry === "always" || (call.retry === "safe" && call.entry.tool.idempotent);
}

/** Milliseconds to wait before a call is sent again, or undefined when it is not, or could not be before its time is up. */
export function retryDelayMs(
  call: PoolCall,
  settings: Pick<PoolSettings, "retries" | "retryBackoffMs">,
  clock: PoolClock,
): number | undefined {
  if (!mayRunAgain(call) || settings.retries === 0) return undefined;
  if (call.kills >= constants.poisonous || call.kills > settings.retries) return undefined;
  const base = call.kills > 0 ? settings.retryBackoffMs * 2 ** (call.kills - 1) : constants.innocentBackoffMs;
  // Half of it is random, so that calls lost together do not come back together.
  const delayMs = base * (0.5 + clock.random() / 2);
  // Who waits is told what happened rather than that the time is up.
  return clock.now() + delayMs < call.deadline ? delayMs : undefined;
}
