/**
 * Workers that live, for the moment when the host ends without having closed them: `process.exit` leaves no time to ask, so their groups are killed
 * and their folders removed on the spot. When the host is killed instead, the lifeline of each worker does it.
 */
import process from "node:process";

interface Live {
  /** Ends it at once. */
  end(): void;
}

const live = new Set<Live>();

function endAll(): void {
  for (const worker of live) worker.end();
}

/** Ends `worker` when the host process exits, unless the returned function was called before. */
export function endAtExit(worker: Live): () => void {
  if (live.size === 0) process.on("exit", endAll);
  live.add(worker);
  return () => {
    if (live.delete(worker) && live.size === 0) process.off("exit", endAll);
  };
}
