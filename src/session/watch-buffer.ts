/**
 * What a watcher has not taken yet. Writers put changes in and never wait; within the buffer every change comes out, in the order of the versions,
 * once. Beyond it only the newest of each variable is kept, and counts those that it stands for.
 */
import { constants } from "./defaults.ts";
import { idOf, partsOf, type VariableRecord } from "./records.ts";
import type { StoreEvent } from "./store.ts";

/** What comes out. */
export interface Watched {
  readonly kind: "set" | "deleted";
  readonly variable: VariableRecord;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Changes that were left out before this one. */
  readonly coalesced: number;
}

/** The last thing that comes out. */
export interface Ended {
  readonly kind: "ended";
  /** Milliseconds since 1970. */
  readonly at: number;
}

type Seen = Pick<VariableRecord, "serial" | "version">;

/** The changes of the variables of one watcher. */
export class WatchBuffer {
  readonly #names: ReadonlySet<string> | undefined;
  readonly #limit: number;
  /** What came before the first values. */
  #early: StoreEvent[] | undefined = [];
  /** The newest version of each variable that was let in, by name. */
  readonly #seen = new Map<string, Seen>();
  /** Variables that the watcher knows, by name. */
  readonly #told = new Set<string>();
  /** All changes, while they are few. */
  #queue: Watched[] = [];
  /** The newest change of each variable by name, once there were too many and until all were taken. */
  #newest: Map<string, Watched> | undefined;
  #ended: Ended | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  /**
   * @param names - By name or id. Undefined for all variables of the session.
   * @param seen - By id, the last version that an earlier watch has seen, which this one goes on from.
   * @param limit - Changes that wait before they are drawn together.
   */
  constructor(names: readonly string[] | undefined, seen: ReadonlyMap<string, number>, limit: number = constants.watchBuffer) {
    this.#names = names === undefined ? undefined : new Set(names);
    this.#limit = limit;
    for (const [id, version] of seen) {
      const parts = partsOf(id);
      if (parts === undefined) continue;
      this.#seen.set(parts.name, { serial: parts.serial, version });
      this.#told.add(parts.name);
    }
  }

  /** Takes what the store tells. */
  readonly hear = (event: StoreEvent): void => {
    if (this.#early === undefined) this.#accept(event, false);
    else this.#early.push(event);
    this.#wakeUp();
  };

  /** Puts the current values in front. What was heard before they were read is told apart by its version. */
  start(current: Iterable<VariableRecord>): void {
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const variable of current) this.#accept({ kind: "set", variable, at: variable.at }, true);
    for (const event of early) this.#accept(event, false);
    this.#wakeUp();
  }

  /** The next change; undefined when there is none yet, or none any more. */
  take(): Watched | Ended | undefined {
    const next = this.#newest === undefined ? this.#queue.shift() : this.#takeNewest(this.#newest);
    if (next !== undefined) {
      if (next.kind === "set") this.#told.add(next.variable.name);
      else this.#told.delete(next.variable.name);
      return next;
    }
    const ended = this.#ended;
    if (ended !== undefined) {
      this.#ended = undefined;
      this.#closed = true;
    }
    return ended;
  }

  /** Whether nothing will come any more. */
  get done(): boolean {
    return this.#closed;
  }

  /** Nothing is let in any more, unless the session ended: then that is still told. */
  close(): void {
    if (this.#ended === undefined) {
      this.#closed = true;
      this.#queue = [];
      this.#newest = undefined;
    }
    this.#wakeUp();
  }

  /** Calls back once, as soon as there is something to take or nothing will come any more. The returned function takes the wish back. */
  whenReady(wake: () => void): () => void {
    this.#wake = wake;
    this.#wakeUp();
    return () => {
      if (this.#wake === wake) this.#wake = undefined;
    };
  }

  #wakeUp(): void {
    if (!this.#closed && this.#ended === undefined && this.#newest === undefined && this.#queue.length === 0) return;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  #accept(event: StoreEvent, isFirst: boolean): void {
    if (this.#closed || this.#ended !== undefined) return;
    if (event.kind === "ended") {
      this.#ended = event;
      return;
    }
    const { kind, variable, at } = event;
    if (this.#names !== undefined && !this.#names.has(variable.name) && !this.#names.has(idOf(variable))) return;
    const missed = kind === "set" ? this.#missedBefore(variable, isFirst) : this.#missedBeforeEnd(variable);
    if (missed === undefined) return;
    if (kind === "set") this.#seen.set(variable.name, { serial: variable.serial, version: variable.version });
    else this.#seen.delete(variable.name);
    this.#add({ kind, variable, at, coalesced: missed });
  }

  /** How many versions lie between; undefined when this one is no news. */
  #missedBefore({ name, serial, version }: VariableRecord, isFirst: boolean): number | undefined {
    const seen = this.#seen.get(name);
    if (seen?.serial === serial) return version > seen.version ? version - seen.version - 1 : undefined;
    if (seen !== undefined && seen.serial > serial) return undefined;
    return isFirst ? 0 : version;
  }

  #missedBeforeEnd({ name, serial, version }: VariableRecord): number | undefined {
    const seen = this.#seen.get(name);
    return seen?.serial === serial ? Math.max(version - seen.version, 0) : undefined;
  }

  #add(change: Watched): void {
    if (this.#newest !== undefined) {
      this.#fold(this.#newest, change);
      return;
    }
    if (this.#queue.length < this.#limit) {
      this.#queue.push(change);
      return;
    }
    this.#newest = new Map();
    for (const earlier of this.#queue) this.#fold(this.#newest, earlier);
    this.#queue = [];
    this.#fold(this.#newest, change);
  }

  #fold(newest: Map<string, Watched>, change: Watched): void {
    const { name } = change.variable;
    const earlier = newest.get(name);
    newest.delete(name);
    // A variable that came and went unseen is none of the watcher's business; keeping it would let the buffer grow without end.
    if (change.kind === "deleted" && !this.#told.has(name)) return;
    newest.set(name, earlier === undefined ? change : { ...change, coalesced: change.coalesced + earlier.coalesced + 1 });
  }

  #takeNewest(newest: Map<string, Watched>): Watched | undefined {
    for (const [name, change] of newest) {
      newest.delete(name);
      if (newest.size === 0) this.#newest = undefined;
      return change;
    }
    this.#newest = undefined;
    return undefined;
  }
}
