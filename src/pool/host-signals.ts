/**
 * SIGINT and SIGTERM close every open pit; then the signal is raised again, so that the program ends by it and whoever started it sees that. A program
 * with listeners of its own decides by itself how it ends.
 */
import process from "node:process";

const signals = ["SIGINT", "SIGTERM"] as const;
type EndSignal = (typeof signals)[number];

const open = new Set<() => Promise<void>>();
let closing = false;
let dying = false;

/**
 * Whether the program ends by a signal as soon as its pits are closed. Calls that cannot end any more are then left as they are: a rejection that nobody
 * handles would end the program first, with a stack trace and exit code 1 instead of the signal.
 */
export function hostIsDying(): boolean {
  return dying;
}

async function onSignal(signal: EndSignal): Promise<void> {
  // A second signal finds the pits closing; the first one ends the program.
  if (closing) return;
  closing = true;
  dying = process.listenerCount(signal) === 1;
  await Promise.allSettled(Array.from(open, (close) => close()));
  closing = false;
  for (const each of signals) process.off(each, onSignal);
  if (dying) process.kill(process.pid, signal);
}

/** Calls `close` when the program is asked to end, unless the returned function was called before. */
export function closeOnSignal(close: () => Promise<void>): () => void {
  if (open.size === 0) for (const signal of signals) process.on(signal, onSignal);
  open.add(close);
  return () => {
    open.delete(close);
    if (open.size === 0 && !closing) for (const signal of signals) process.off(signal, onSignal);
  };
}
