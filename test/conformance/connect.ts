/** How the client under test reaches the server: as a pool reaches its workers. */
import type { Connection } from "../../src/carrier/carrier.ts";
import { DEFAULT_LIMITS } from "../../src/carrier/link.ts";
import { dialWorker } from "../../src/carrier/local/dial.ts";

/**
 * Connects to a conformance server.
 * @param host what the server said its host is: the path of its socket and its token, "#" between them
 */
export function connectTo(host: string): Promise<Connection> {
  const [socketPath = "", token = ""] = host.split("#");
  return dialWorker(
    { socketPath, token, workerId: "conformance", pool: "conformance", tools: [], threads: 1, graceMs: 2000 },
    { limits: DEFAULT_LIMITS, events: { onLog() {}, onGoing() {}, onClose() {} }, handlers: {} },
  );
}
