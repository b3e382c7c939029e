/**
 * Says whether what programs did to variables at the same time could have happened one after the other.
 *
 * Finding such an order is hard in general. Here it is given: the versions of a variable are the order of its writes, so what is left is to look whether
 * everybody's view fits that order and the clock. Every write has a value of its own, which tells the version where a reader was told none.
 */

/** A change that was asked for. */
export interface Write {
  readonly variable: string;
  /** No other write to this variable has it. */
  readonly value: number;
  /** When it was asked for; times are of one clock, in any unit. */
  readonly invoked: number;
  /** When it was acknowledged. None when nobody knows whether it was done: the one who asked was killed. */
  readonly responded?: number | undefined;
  /** The version that was answered, if any was. */
  readonly version?: number | undefined;
  /** The value or the version that it was to replace. */
  readonly replacedValue?: number | undefined;
  readonly replacedVersion?: number | undefined;
}

/** A look at a variable that gave its value, its version, or both. */
export interface Read {
  readonly variable: string;
  /** Who looked. One reader's looks stand in their order and never go back. */
  readonly reader: string;
  readonly value?: number | undefined;
  readonly version?: number | undefined;
  /** Whatever was answered before this moment must be in it. */
  readonly since: number;
  readonly responded: number;
}

/** What one watcher saw, in its order. */
export interface Watched {
  readonly watcher: string;
  /** It was there until the end. */
  readonly complete: boolean;
  readonly changes: readonly {
    readonly variable: string;
    readonly value: number;
    readonly version: number;
    readonly coalesced: number;
    readonly at: number;
  }[];
}

/** What happened. */
export interface History {
  /** The values with which the variables were registered, before anything else. */
  readonly initial: Readonly<Record<string, number>>;
  /** What they were when all had ended. */
  readonly final: Readonly<Record<string, { readonly value: number; readonly version: number }>>;
  readonly writes: readonly Write[];
  readonly reads: readonly Read[];
  readonly watched: readonly Watched[];
}

/** What cannot have happened in any order, a sentence each. None when the history is linearizable. */
export function faultsOf(history: History): string[] {
  return Object.keys(history.initial).flatMap((variable) => new VariableHistory(variable, history).faults());
}

class VariableHistory {
  readonly #variable: string;
  readonly #first: number;
  readonly #final: { readonly value: number; readonly version: number };
  readonly #writes: readonly Write[];
  readonly #reads: readonly Read[];
  readonly #watched: readonly Watched[];
  readonly #faults: string[] = [];
  readonly #valueOf = new Map<number, number>();
  readonly #versionOf = new Map<number, number>();
  readonly #writeOf = new Map<number, Write>();

  constructor(variable: string, { initial, final, writes, reads, watched }: History) {
    const here = (each: { readonly variable: string }): boolean => each.variable === variable;
    this.#variable = variable;
    this.#first = initial[variable] ?? Number.NaN;
    this.#final = final[variable] ?? { value: Number.NaN, version: -1 };
    this.#writes = writes.filter(here);
    this.#reads = reads.filter(here);
    this.#watched = watched.map((each) => ({ ...each, changes: each.changes.filter(here) }));
  }

  faults(): readonly string[] {
    this.#learnVersions();
    this.#everyVersionHasOneWrite();
    this.#replacedWhatTheySaid();
    this.#fitsTheClock();
    this.#readersNeverGoBack();
    this.#watchersMissNothing();
    return this.#faults;
  }

  /** Everybody who saw a version and a value together has to agree. */
  #learnVersions(): void {
    this.#learn(0, this.#first, "it was registered");
    const acknowledged = new Set<number>();
    for (const write of this.#writes) {
      if (this.#writeOf.has(write.value)) this.#fault(`the value ${write.value} was written twice, which tells nothing`);
      this.#writeOf.set(write.value, write);
      if (write.version === undefined) continue;
      if (acknowledged.has(write.version)) this.#fault(`version ${write.version} was acknowledged twice`);
      acknowledged.add(write.version);
      this.#learn(write.version, write.value, "a write was acknowledged");
    }
    for (const { watcher, changes } of this.#watched) {
      for (const { version, value } of changes) this.#learn(version, value, `${watcher} saw it`);
    }
    for (const { reader, version, value } of this.#reads) {
      if (version !== undefined && value !== undefined) this.#learn(version, value, `${reader} read it`);
    }
    this.#learn(this.#final.version, this.#final.value, "it ended");
  }

  #learn(version: number, value: number, how: string): void {
    const known = this.#valueOf.get(version);
    if (known === undefined) this.#valueOf.set(version, value);
    else if (known !== value) this.#fault(`version ${version} is ${known}, and ${value} when ${how}`);
    const other = this.#versionOf.get(value);
    if (other === undefined) this.#versionOf.set(value, version);
    else if (other !== version) this.#fault(`the value ${value} is version ${other}, and ${version} when ${how}`);
  }

  /** Versions count one by one, each is somebody's, and no acknowledged write is gone. */
  #everyVersionHasOneWrite(): void {
    const { version: last } = this.#final;
    let unseen = 0;
    for (let version = 1; version <= last; version++) {
      const value = this.#valueOf.get(version);
      if (value === undefined) unseen++;
      else if (!this.#writeOf.has(value)) this.#fault(`nobody wrote ${value}, which is version ${version}`);
    }
    const unplaced = this.#writes.filter(({ value }) => !this.#versionOf.has(value));
    const done = unplaced.filter(({ responded }) => responded !== undefined).length;
    if (unseen > unplaced.length) this.#fault(`${unseen} versions are nobody's, and only ${unplaced.length} writes may have made them`);
    if (unseen < done)
      this.#fault(`${done} writes were acknowledged that are none of the ${last} versions, of which ${unseen} are nobody's`);
    for (const version of this.#valueOf.keys()) {
      if (version > last) this.#fault(`version ${version} is lost: it ended with version ${last}`);
    }
  }

  #replacedWhatTheySaid(): void {
    for (const { value, replacedValue, replacedVersion } of this.#writes) {
      const version = this.#versionOf.get(value);
      if (version === undefined) continue;
      if (replacedVersion !== undefined && replacedVersion !== version - 1) {
        this.#fault(`version ${version} (${value}) was to replace version ${replacedVersion}`);
      }
      if (replacedValue !== undefined && this.#valueOf.get(version - 1) !== replacedValue) {
        this.#fault(`version ${version} (${value}) was to replace ${replacedValue}, and replaced ${this.#valueOf.get(version - 1)}`);
      }
    }
  }

  /** Nothing is answered that had been replaced before it was asked for, and nothing is seen before it is written. */
  #fitsTheClock(): void {
    const known: { at: number; version: number }[] = [];
    for (const { value, responded } of this.#writes) {
      const version = this.#versionOf.get(value);
      if (responded !== undefined && version !== undefined) known.push({ at: responded, version });
    }
    for (const read of this.#reads) known.push({ at: read.responded, version: this.#versionRead(read) });
    for (const { changes } of this.#watched) for (const { at, version } of changes) known.push({ at, version });
    const newestBefore = newest(known);
    for (const write of this.#writes) {
      const version = this.#versionOf.get(write.value);
      const newer = newestBefore(write.invoked);
      if (version !== undefined && newer >= version) {
        this.#fault(`version ${version} (${write.value}) was asked for when version ${newer} was there already`);
      }
    }
    for (const read of this.#reads) {
      const version = this.#versionRead(read);
      const newer = newestBefore(read.since);
      if (newer > version) this.#fault(`${read.reader} read version ${version} when version ${newer} was there already`);
    }
  }

  #readersNeverGoBack(): void {
    const last = new Map<string, number>();
    for (const read of this.#reads) {
      const version = this.#versionRead(read);
      const before = last.get(read.reader) ?? 0;
      if (version < before) this.#fault(`${read.reader} read version ${version} after version ${before}`);
      last.set(read.reader, Math.max(before, version));
    }
  }

  #watchersMissNothing(): void {
    for (const { watcher, complete, changes } of this.#watched) {
      let last: number | undefined;
      for (const { version, coalesced } of changes) {
        if (coalesced > 0) this.#fault(`${watcher} was not given ${coalesced} changes before version ${version}`);
        if (last !== undefined && version !== last + 1) this.#fault(`${watcher} saw version ${version} after version ${last}`);
        last = version;
      }
      if (complete && last !== this.#final.version) this.#fault(`${watcher} saw version ${last} last, of ${this.#final.version}`);
    }
  }

  #versionRead({ reader, value, version }: Read): number {
    const read = version ?? (value === undefined ? undefined : this.#versionOf.get(value));
    if (read !== undefined) return read;
    this.#fault(`${reader} read ${value}, which it never was`);
    return Number.POSITIVE_INFINITY;
  }

  #fault(what: string): void {
    this.#faults.push(`${this.#variable}: ${what}`);
  }
}

/** The newest version that was known before a moment; -1 when none was. */
function newest(known: { at: number; version: number }[]): (moment: number) => number {
  known.sort((a, b) => a.at - b.at);
  let highest = -1;
  for (const each of known) {
    highest = Math.max(highest, each.version);
    each.version = highest;
  }
  return (moment) => {
    let low = 0;
    let high = known.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((known[middle]?.at ?? moment) < moment) low = middle + 1;
      else high = middle;
    }
    return known[low - 1]?.version ?? -1;
  };
}
