/** What happened of late, for whoever begins to look: the last lines that tools printed, and the last workers that died. */
import type { LogEvent } from "../pool/logs.ts";
import type { PitEvent } from "../telemetry/event.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Logs } from "./logs.ts";

/** A line, as an event like others. */
export interface LineEvent extends LogEvent {
  readonly type: "log";
  /** Milliseconds since 1970. */
  readonly time: number;
}

/** Everything that whoever looks is told. */
export type ToldEvent = PitEvent | LineEvent;

const LINES = 200;
const CRASHES = 20;

/** Hears lines and the ends of workers, and remembers the last. Calls cost nothing for it. */
export class Recent {
  readonly #telemetry: Telemetry;
  readonly #lines: LineEvent[] = [];
  readonly #crashes: PitEvent[] = [];
  readonly #listeners = new Set<(event: LineEvent) => void>();
  readonly #forget: readonly (() => void)[];

  constructor(telemetry: Telemetry, logs: Logs) {
    this.#telemetry = telemetry;
    this.#forget = [
      logs.listen((event) => this.#line({ type: "log", time: Date.now(), ...event })),
      telemetry.listen((event) => {
        if (event.type === "worker.crashed" || event.type === "worker.failed") remember(this.#crashes, event, CRASHES);
      }, false),
    ];
  }

  /**
   * What is remembered, in the order in which it happened.
   *
   * @param types - Which types of events; all when it is empty.
   * @param limit - Most events of each type, the last ones; 0 for all.
   */
  events(types: readonly string[], limit = 0): ToldEvent[] {
    const last = new Map<string, ToldEvent[]>();
    for (const event of [...this.#lines, ...this.#crashes]) {
      if (types.length > 0 && !types.includes(event.type)) continue;
      // With no limit this is slice(-0): all of them.
      last.set(event.type, [...(last.get(event.type) ?? []), event].slice(-limit));
    }
    return [...last.values()].flat().toSorted((one, other) => one.time - other.time);
  }

  /**
   * Calls the listener with every line and every event from now on. The returned function takes it away.
   *
   * @param all - Whether it wants what happens often too, which calls pay for.
   */
  listen(listener: (event: ToldEvent) => void, all: boolean): () => void {
    this.#listeners.add(listener);
    const forget = this.#telemetry.listen(listener, all);
    return () => {
      this.#listeners.delete(listener);
      forget();
    };
  }

  /** Hears no more. */
  close(): void {
    for (const forget of this.#forget) forget();
  }

  #line(line: LineEvent): void {
    remember(this.#lines, line, LINES);
    for (const listener of this.#listeners) listener(line);
  }
}

function remember<T>(kept: T[], event: T, most: number): void {
  kept.push(event);
  if (kept.length > most) kept.shift();
}
