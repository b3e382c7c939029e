/**
 * Where the events of a pit come together, and who hears them.
 *
 * Nothing is made before somebody listens: whoever has something to say looks at {@link Telemetry.active} first. Events are told after what is being
 * done, in the order they happened, so that a listener may call the pit as any other code may.
 */
import type { DroppedEvent, PitEvent } from "./event.ts";
import { EventBuffer } from "./event-buffer.ts";
import { tell } from "./tell.ts";

/** Hears events. */
export type EventListener = (event: PitEvent) => void;

/** An event without its time, which is when it is said. */
export type Said = WithoutTime<Exclude<PitEvent, DroppedEvent>>;
type WithoutTime<Event> = Event extends PitEvent ? Omit<Event, "time"> : never;

/** Somebody who listens. */
interface Listening {
  readonly hear: EventListener;
  /** Whether it wants what happens often too. */
  readonly all: boolean;
}

/** The events of one pit. */
export class Telemetry {
  #active = false;
  #listeners: readonly Listening[] = [];
  readonly #buffers = new Set<EventBuffer>();
  #waiting: PitEvent[] = [];
  #calls = 0;
  #closed = false;

  /** Whether anybody listens to what happens often: to calls, to workers being busy, and to variables. */
  get active(): boolean {
    return this.#active;
  }

  /**
   * Calls the listener with every event from now on. The returned function takes it away.
   *
   * @param all - False for a listener that can do without what happens often, so that calls cost nothing for its sake. It hears that as well while others
   * listen. Default true.
   */
  listen(listener: EventListener, all = true): () => void {
    // Of its own, since the same function may be given twice.
    const own: Listening = { hear: (event) => tell(listener, event), all };
    this.#change([...this.#listeners, own]);
    return () => this.#change(this.#listeners.filter((other) => other !== own));
  }

  /** The events from now on, one after the other. They end with the pit, or when they are left. */
  events(): EventBuffer {
    const buffer: EventBuffer = new EventBuffer(() => {
      this.#buffers.delete(buffer);
      forget();
    });
    const forget = this.listen((event) => buffer.add(event));
    if (this.#closed) buffer.end();
    else this.#buffers.add(buffer);
    return buffer;
  }

  /** Tells an event. Does nothing when nobody listens; where that is often, look at {@link active} before making it. */
  say(said: Said): void {
    if (this.#listeners.length === 0) return;
    this.#waiting.push({ time: Date.now(), ...said });
    if (this.#waiting.length === 1) queueMicrotask(() => this.#flush());
  }

  /** A number for a call. */
  nextCall(): number {
    return ++this.#calls;
  }

  /** Nothing more happens: whoever reads comes to the end. */
  close(): void {
    this.#closed = true;
    this.#flush();
    for (const buffer of this.#buffers) buffer.end();
  }

  #change(listeners: readonly Listening[]): void {
    this.#listeners = listeners;
    this.#active = listeners.some(({ all }) => all);
  }

  #flush(): void {
    const events = this.#waiting;
    this.#waiting = [];
    for (const event of events) for (const { hear } of this.#listeners) hear(event);
  }
}
