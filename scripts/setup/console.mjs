/** What the set-up says while it works: one line an event, each with the step it belongs to. */

const STILL_EVERY_MS = 10_000;

/** A failure that one sentence explains: shown without a stack. */
export class Explained extends Error {}

/** Prints one line. */
export function say(name, text) {
  process.stderr.write(`setup  ${name.padEnd(10)} ${text}\n`);
}

/** Seconds since `since` (of performance.now) in words. */
export const elapsed = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Runs `work`, saying every ten seconds that it still does. */
export async function withSignsOfLife(name, work) {
  const since = performance.now();
  const timer = setInterval(() => say(name, `still at it (${elapsed(since)})`), STILL_EVERY_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
