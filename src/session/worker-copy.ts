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
  /** Names of the variables that it may keep. */
  readonly #kept = new Set<string>();
  /** Names and ids that questions are about whose answers are being made, with how many are; and how many are about all variables. */
  readonly #asked = new Map<string, number>();
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
    if (names === undefined) this.#askingAll++;
    else for (const name of names) this.#asked.set(name, (this.#asked.get(name) ?? 0) + 1);
    return (found) => {
      if (names === undefined) this.#askingAll--;
      else for (const name of names) this.#answered(name);
      // What is kept from before stays, whatever comes of the question: it may be a change that is refused.
      this.add(found);
    };
  }

  /** Tells the worker of a change when it may keep the variable. */
  hear({ kind, variable }: Extract<StoreEvent, { readonly variable: VariableRecord }>): void {
    const { name, version } = variable;
    const id = idOf(variable);
    // It asks again before it keeps a later one. Meanwhile an answer may be on its way that this change is not in.
    const isKept = this.#kept.delete(name);
    if (!isKept && this.#askingAll === 0 && !this.#asked.has(name) && !this.#asked.has(id)) return;
    const changed = { id, name, version: BigInt(version), deleted: kind === "deleted" };
    this.worker.connection.send(
      create(HostEventSchema, { event: { case: "variablesChanged", value: { sessionId: this.#session, variables: [changed] } } }),
    );
  }

  #answered(name: string): void {
    const left = (this.#asked.get(name) ?? 0) - 1;
    if (left > 0) this.#asked.set(name, left);
    else this.#asked.delete(name);
  }
}
