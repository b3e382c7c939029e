/** Who hears what tools print, beside the program itself. */
import type { LogEvent } from "../pool/logs.ts";
import { tell } from "../telemetry/tell.ts";

/** Hears lines. */
export type LogListener = (event: LogEvent) => void;

/** The lines of a pit. */
export class Logs {
  #listeners: readonly LogListener[];

  /** @param first - The program's own listener. */
  constructor(first: LogListener) {
    this.#listeners = [first];
  }

  /** Tells a line to all. */
  readonly say: LogListener = (event) => {
    for (const listener of this.#listeners) tell(listener, event);
  };

  /** Calls the listener with every line from now on. The returned function takes it away. */
  listen(listener: LogListener): () => void {
    const own: LogListener = (event) => listener(event);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }
}
