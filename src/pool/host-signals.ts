/**
 * SIGINT and SIGTERM close every open pit; then the signal is raised again, so that the program ends by it and whoever started it sees that. A program
 * with listeners of its own decides by itself how it ends.
 */
import process from "node:process";

const signals = ["SIGINT", "SIGTERM"] as const;
type EndSignal = (typeof signals)[number];

const open = new Set<() => Promise<void>>();
let ending = false;

async function onSignal(signal: EndSignal): Promise<void> {
  // A second signal finds the pits closing; the first one ends the program.
  if (ending) return;
  ending = true;
  await Promise.allSettled(Array.from(open, (close) => close()));
  ending = false;
  for (const each of signals) process.off(each, onSignal);
  if (process.listenerCount(signal) === 0) process.kill(process.pid, signal);
}

/** Calls `close` when the program is asked to end, unless the returned function was called before. */
export function closeOnSignal(close: () => Promise<void>): () => void {
  if (open.size === 0) for (const signal of signals) process.on(signal, onSignal);
  open.add(close);
  return () => {
    open.delete(close);
    if (open.size === 0 && !ending) for (const signal of signals) process.off(signal, onSignal);
  };
}
