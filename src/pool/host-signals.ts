/**
 * SIGINT and SIGTERM close every open pit, and before them the doors that lead to pits, so that calls which came through one may end; then the signal is raised
 * again, so that the program ends by it and whoever started it sees that. A program with listeners of its own decides by itself how it ends.
 */
import process from "node:process";

const signals = ["SIGINT", "SIGTERM"] as const;
type EndSignal = (typeof signals)[number];

type Close = () => Promise<void>;

const open = { doors: new Set<Close>(), pits: new Set<Close>() };
const isIdle = () => open.doors.size + open.pits.size === 0;
let closing = false;
/** Does not wait for the doors any longer. */
let hurry: () => void = () => {};
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
  if (closing) return hurry();
  closing = true;
  const alone = process.listenerCount(signal) === 1;
  const hurried = new Promise<void>((resolve) => {
    hurry = resolve;
  });
  await Promise.race([Promise.allSettled(Array.from(open.doors, (close) => close())), hurried]);
  dying = alone;
  await Promise.allSettled(Array.from(open.pits, (close) => close()));
  closing = false;
  for (const each of signals) process.off(each, onSignal);
  if (dying) process.kill(process.pid, signal);
}

/** Calls `close` when the program is asked to end, unless the returned function was called before. What is a door to pits is closed before they are. */
export function closeOnSignal(close: Close, what: keyof typeof open = "pits"): () => void {
  if (isIdle()) for (const signal of signals) process.on(signal, onSignal);
  open[what].add(close);
  return () => {
    open[what].delete(close);
    if (isIdle() && !closing) for (const signal of signals) process.off(signal, onSignal);
  };
}
