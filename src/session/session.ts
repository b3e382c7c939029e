/** The Promise face of sessions. */
import { Clock, Context, Effect, Exit, Scope } from "effect";
import type { ToolArguments } from "../api/calls.ts";
import type { SessionInfo, SessionLike } from "../api/sessions.ts";
import type {
  Metadata,
  ReadOutcome,
  SetManyOptions,
  SetOptions,
  VariableChange,
  VariableDefinition,
  VariableEntry,
  VariablesLike,
  WatchOptions,
  WriteOutcome,
} from "../api/variables.ts";
import type { HostToolOptions } from "../host/host-tools.ts";
import { beginStream, callPromise } from "../pool/faces.ts";
import type { CallOptions } from "../pool/options.ts";
import { ItemStream } from "../pool/stream-call.ts";
import type { HostFunction } from "../tool/call.ts";
import { changeOf } from "./entry.ts";
import type { SessionHandle } from "./handle.ts";
import type { Presence } from "./presence.ts";
import type { Variables } from "./variables.ts";
import type { WatchBuffer } from "./watch-buffer.ts";

type Run = <A, E>(effect: Effect.Effect<A, E>) => Promise<A>;

/**
 * A session: state that TypeScript and Python share. Leaving its block drops the handle; what it holds lives on until its time is over or it is ended.
 *
 * @example
 * await using session = await pit.session("user-42");
 * await session.variables.register("temperature", { type: "float", value: 0.7, constraints: { min: 0, max: 2 } });
 */
export class Session implements SessionLike {
  /** Its id. */
  readonly id: string;
  /** Its metadata as it was when it was opened. */
  readonly metadata: Metadata;
  /** Its variables. */
  readonly variables: SessionVariables;
  readonly #handle: SessionHandle;
  readonly #run: Run;
  readonly #clock: Clock.Clock;

  /** @param context - What the program's effects run with, its clock above all. */
  constructor(handle: SessionHandle, context: Context.Context<never>) {
    this.#handle = handle;
    this.#run = Effect.runPromiseWith(context);
    this.#clock = Context.get(context, Clock.Clock);
    this.id = handle.id;
    this.metadata = handle.metadata;
    this.variables = new SessionVariables(handle.variables, this.#run);
  }

  /**
   * Calls a tool that does not stream, in this session: a parameter hinted `Session` is filled in. Where the call goes is a matter of the session's
   * affinity. Counts as use.
   *
   * @throws One of {@link SessionCallError}.
   */
  execute<Result = unknown>(tool: string, args?: ToolArguments, options?: CallOptions): Promise<Result> {
    const presence = this.#presentNow();
    if (presence !== undefined) return callPromise(presence, tool, args, options);
    return this.#run(this.#handle.present).then((present) => callPromise<Result>(present, tool, args, options));
  }

  /**
   * Calls a streaming tool in this session. The call starts when the first item is asked for; leaving the loop early closes the Python generator.
   *
   * @throws One of {@link SessionCallError}, where the items are taken.
   */
  executeStream<Item = unknown>(tool: string, args?: ToolArguments, options?: CallOptions): AsyncIterableIterator<Item> {
    return new ItemStream<Item>(() => {
      const presence = this.#presentNow();
      if (presence !== undefined) return beginStream(presence, tool, args, options);
      return this.#run(this.#handle.present).then((present) => beginStream(present, tool, args, options));
    });
  }

  /**
   * Lets Python call a function in this session by its name, before one of the pit's own of the same name. It is taken back when the handle closes, when
   * the session ends, or by the function that is returned.
   *
   * @throws InvalidOptions for a name that is taken, SessionClosed, SessionNotFound, SessionExpired.
   */
  provide(name: string, fn: HostFunction, options?: HostToolOptions): () => void {
    return this.#handle.provide(name, fn, options);
  }

  /** What is known about it. Counts as use. */
  info(): Promise<SessionInfo> {
    return this.#run(this.#handle.info);
  }

  /** Ends it before its time: what it holds is gone, for everybody. Closes the handle. False when it was gone already. */
  end(): Promise<boolean> {
    return this.#run(this.#handle.end);
  }

  /** Drops the handle: its watches end, and using it fails with SessionClosed. A session without an id ends. May be called twice. */
  close(): Promise<void> {
    return this.#run(this.#handle.close);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #presentNow(): Presence | undefined {
    return this.#handle.presentNow(this.#clock.currentTimeMillisUnsafe());
  }
}

/** Typed, validated and versioned values that TypeScript and Python share. A variable is named by its name or its id. */
export class SessionVariables implements VariablesLike {
  readonly #variables: Variables;
  readonly #run: Run;

  constructor(variables: Variables, run: Run) {
    this.#variables = variables;
    this.#run = run;
  }

  /**
   * Makes a variable, at version 0.
   *
   * @throws VariableExists, VariableInvalid, QuotaExceeded, or InvalidOptions for a type or a constraint that makes no sense.
   */
  register<Value = unknown>(name: string, definition: VariableDefinition): Promise<VariableEntry<Value>> {
    return this.#run(this.#variables.register<Value>(name, definition));
  }

  /** The value. @throws VariableNotFound. */
  get<Value = unknown>(name: string): Promise<Value> {
    return this.#run(this.#variables.get<Value>(name));
  }

  /** The variable with everything that is known about it. @throws VariableNotFound. */
  entry<Value = unknown>(name: string): Promise<VariableEntry<Value>> {
    return this.#run(this.#variables.entry<Value>(name));
  }

  /** Changes the value and answers the new version. @throws VariableNotFound, VariableInvalid, VersionConflict or QuotaExceeded. */
  set(name: string, value: unknown, options?: SetOptions): Promise<number> {
    return this.#run(this.#variables.set(name, value, options));
  }

  /**
   * Computes the new value from the present one and answers it. When somebody else was quicker it starts again from theirs, so `change` may be called
   * several times.
   */
  // biome-ignore lint/suspicious/noExplicitAny: as with JSON.parse, the program alone knows what is in there; unknown would refuse (t) => t + 0.1
  update<Value = any>(name: string, change: (value: Value) => Value, options?: Omit<SetOptions, "expectedVersion">): Promise<Value> {
    return this.#run(this.#variables.update<Value>(name, change, options));
  }

  /** Reads up to 1,000 variables at one point in time. */
  getMany(names: readonly string[]): Promise<ReadOutcome> {
    return this.#run(this.#variables.getMany(names));
  }

  /**
   * Changes up to 1,000 variables: all of them or none; or those that can be changed, when `atomic` is false.
   *
   * @throws BatchFailed with an error for each that cannot be changed, when `atomic`.
   */
  setMany(values: Readonly<Record<string, unknown>>, options?: SetManyOptions): Promise<WriteOutcome> {
    return this.#run(this.#variables.setMany(values, options));
  }

  /** Removes a variable. False when there was none. */
  delete(name: string): Promise<boolean> {
    return this.#run(this.#variables.delete(name));
  }

  /** Every variable, in the order they were made. */
  list(): Promise<readonly VariableEntry[]> {
    return this.#run(this.#variables.list);
  }

  /**
   * The current values, then every change in the order of the versions, from the first `next` on. Ends when the session ends, after a change of kind
   * "ended", and when its handle closes. Who is more than 1,024 changes behind gets the newest value of each variable instead, with the number of
   * those left out in `coalesced`.
   *
   * @param names - By name or id, also such that are yet to be made. Default: all variables.
   * @param options - What an earlier watch has seen, to go on from there.
   */
  watch<Value = unknown>(names?: readonly string[], options?: WatchOptions): AsyncIterableIterator<VariableChange<Value>> {
    return new Watch<Value>(this.#variables, names, this.#run, options);
  }
}

/** One watch. It begins with the first `next`, so one that is never iterated holds nothing. */
class Watch<Value> implements AsyncIterableIterator<VariableChange<Value>> {
  readonly #variables: Variables;
  readonly #names: readonly string[] | undefined;
  readonly #options: WatchOptions;
  readonly #run: Run;
  readonly #scope = Scope.makeUnsafe();
  #buffer: Promise<WatchBuffer> | undefined;
  /** Calls of `next` answer in their order. */
  #last: Promise<unknown> = Promise.resolve();
  #left = false;

  constructor(variables: Variables, names: readonly string[] | undefined, run: Run, options: WatchOptions = {}) {
    this.#variables = variables;
    this.#names = names;
    this.#options = options;
    this.#run = run;
  }

  next(): Promise<IteratorResult<VariableChange<Value>, undefined>> {
    const result = this.#last.then(() => this.#next());
    this.#last = result.catch(() => {});
    return result;
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#left = true;
    const buffer = await this.#buffer?.catch(() => undefined);
    buffer?.close();
    await this.#run(Scope.close(this.#scope, Exit.void));
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #begin(): Promise<WatchBuffer> {
    try {
      return await this.#run(Scope.provide(this.#variables.watchingSince(this.#names, this.#options), this.#scope));
    } catch (error) {
      // A loop that fails does not call `return`.
      await this.#run(Scope.close(this.#scope, Exit.void));
      throw error;
    }
  }

  async #next(): Promise<IteratorResult<VariableChange<Value>, undefined>> {
    if (this.#left) return { done: true, value: undefined };
    this.#buffer ??= this.#begin();
    const buffer = await this.#buffer;
    await new Promise<void>((resolve) => buffer.whenReady(resolve));
    const change = buffer.take();
    return change === undefined ? this.return() : { done: false, value: changeOf<Value>(change) };
  }
}
