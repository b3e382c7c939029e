/**
 * What other processes did to sessions of a file that somebody here listens to. SQLite tells nobody, but a number of its own changes with every
 * commit of another connection; only then the followed sessions are read again and compared. A watcher sees the newest version of each and how many it
 * missed.
 */

import type { VariableRecord } from "./records.ts";
import { numberIn, type Statements, variableOf } from "./sqlite-rows.ts";
import type { StoreEvent } from "./store.ts";

/** Followed sessions, each with its variables by serial as listeners know them. */
export class ForeignChanges {
  readonly #statements: Statements;
  readonly #followed = new Map<number, Map<number, VariableRecord>>();
  #dataVersion = 0;

  constructor(statements: Statements) {
    this.#statements = statements;
  }

  /** Follows a session from its present state on. */
  follow(session: number): void {
    if (this.#followed.size === 0) this.#dataVersion = this.#readVersion();
    this.#followed.set(session, this.#read(session));
  }

  /** Follows it no longer. */
  forget(session: number): void {
    this.#followed.delete(session);
  }

  /** Takes note of what happened here. */
  note(session: number, events: readonly StoreEvent[]): void {
    const known = this.#followed.get(session);
    if (known === undefined) return;
    for (const event of events) {
      if (event.kind === "set") known.set(event.variable.serial, event.variable);
      else if (event.kind === "deleted") known.delete(event.variable.serial);
      else this.#followed.delete(session);
    }
  }

  /** What others did since the last look, by session. */
  look(): readonly (readonly [session: number, events: readonly StoreEvent[]])[] {
    if (this.#followed.size === 0) return [];
    const dataVersion = this.#readVersion();
    if (dataVersion === this.#dataVersion) return [];
    this.#dataVersion = dataVersion;
    return Array.from(this.#followed, ([session, known]) => [session, this.#compare(session, known)] as const);
  }

  #compare(session: number, known: Map<number, VariableRecord>): readonly StoreEvent[] {
    const row = this.#statements.sessionBySerial.get(session);
    if (row === undefined) {
      this.#followed.delete(session);
      return [{ kind: "ended", at: Date.now() }];
    }
    const at = numberIn(row, "used_at");
    const now = this.#read(session);
    const events: StoreEvent[] = [];
    for (const variable of known.values()) if (!now.has(variable.serial)) events.push({ kind: "deleted", variable, at });
    for (const variable of now.values()) {
      if (known.get(variable.serial)?.version !== variable.version) events.push({ kind: "set", variable, at: variable.at });
    }
    this.#followed.set(session, now);
    return events;
  }

  #read(session: number): Map<number, VariableRecord> {
    return new Map(this.#statements.variables.all(session).map((row) => [numberIn(row, "serial"), variableOf(row)]));
  }

  #readVersion(): number {
    return numberIn(this.#statements.dataVersion.get(), "data_version");
  }
}
