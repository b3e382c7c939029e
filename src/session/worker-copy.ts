/** What one worker keeps of the variables of one session, so that it can be told when that is no longer right. */
import { create } from "@bufbuild/protobuf";
import { HostEventSchema } from "../gen/snakepit/v1/frame_pb.ts";
import type { Worker } from "../worker/worker.ts";
import { idOf, type VariableRecord } from "./records.ts";
import type { StoreEvent } from "./store.ts";

/** A worker's copy of variables. */
export class WorkerCopy {
  readonly worker: Worker;
  readonly #session: string;
  /** Names and ids under which it may keep something. */
  readonly #kept = new Set<string>();
  /** Questions whose answers are being made, and those among them that are about all variables. */
  #asking = 0;
  #askingAll = 0;

  constructor(worker: Worker, session: string) {
    this.worker = worker;
    this.#session = session;
  }

  /** The worker is sent these variables and keeps them. */
  add(variables: Iterable<VariableRecord>): void {
    for (const { name } of variables) this.#kept.add(name);
  }

  /**
   * The worker asks for variables, to keep what it gets. What changes from now on is told, also while the answer is being made. The returned function is
   * called with what the answer holds before it is sent.
   *
   * @param names - By name or id; undefined for all.
   */
  ask(names: readonly string[] | undefined): (found: Iterable<VariableRecord>) => void {
    this.#asking++;
    if (names === undefined) this.#askingAll++;
    else for (const name of names) this.#kept.add(name);
    return (found) => {
      this.#asking--;
      if (names === undefined) this.#askingAll--;
      // Ids, and names of which there is nothing. Another question may be about them too.
      else if (this.#asking === 0) for (const name of names) this.#kept.delete(name);
      this.add(found);
    };
  }

  /** Tells the worker of a change when it may keep the variable. */
  hear({ kind, variable }: Extract<StoreEvent, { readonly variable: VariableRecord }>): void {
    const { name, version } = variable;
    const id = idOf(variable);
    if (this.#askingAll === 0 && !this.#kept.has(name) && !this.#kept.has(id)) return;
    // It asks again before it keeps a later one. Meanwhile an answer may be on its way that this change is not in.
    if (this.#asking === 0) this.#kept.delete(name);
    const changed = { id, name, version: BigInt(version), deleted: kind === "deleted" };
    this.worker.connection.send(
      create(HostEventSchema, { event: { case: "variablesChanged", value: { sessionId: this.#session, variables: [changed] } } }),
    );
  }
}
