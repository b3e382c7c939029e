/** How a call fills a worker, by what is known of its tool now. */
import type { PoolCall } from "./call.ts";
import type { Weight } from "./pooled-worker.ts";

/** Whether a call shares its worker with others of its kind, without a thread of its own. */
export function isShared({ entry: { tool } }: PoolCall): boolean {
  return tool.asynchronous || tool.streaming;
}

/** How a call would fill a worker now. */
export function weigh(call: PoolCall): Weight {
  const { pace, takesStreams, batchSize } = call.entry;
  if (isShared(call)) return call.entry.tool.asynchronous ? "shared" : "stream";
  if (batchSize > 0) return "batch";
  return pace.quick && !takesStreams ? "quick" : "slow";
}
