/** The variables of a session behind a gateway. */
import { checkBatch, checkDefinition, checkNames, checkSet, checkSetMany, checkWatch } from "../api/session-options.ts";
import type {
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
import { memberFromDetail } from "../errors/detail.ts";
import { BatchFailed, isSnakepitError, ProtocolError, type SnakepitError, VariableNotFound } from "../errors/index.ts";
import { ValueForm } from "../gen/snakepit/v1/gateway_pb.ts";
import { encodeAlone } from "../value/index.ts";
import { Leavable } from "./leavable.ts";
import { constraintsMessage, variableEntry } from "./messages.ts";
import { detailOf, methods, structOf } from "./schema.ts";
import type { SessionLink } from "./session-link.ts";
import { watched } from "./watch.ts";

const form = ValueForm.MSGPACK;

/** Typed, validated and versioned values that TypeScript and Python share. A variable is named by its name or its id. */
export class RemoteVariables implements VariablesLike {
  readonly #link: SessionLink;

  /** Made by this package alone. */
  constructor(link: SessionLink) {
    this.#link = link;
  }

  async register<Value = unknown>(name: string, definition: VariableDefinition): Promise<VariableEntry<Value>> {
    const { type, value, constraints = {}, metadata = {}, ifNotExists = false } = checkDefinition(name, definition);
    const { variable } = await this.#link.change(methods.registerVariable, {
      name,
      type,
      valueMsgpack: encodeAlone(value),
      constraints: structOf(constraintsMessage(constraints)),
      metadata: { ...metadata },
      ifNotExists,
    });
    return variableEntry(variable);
  }

  async get<Value = unknown>(name: string): Promise<Value> {
    return (await this.entry<Value>(name)).value;
  }

  async entry<Value = unknown>(name: string): Promise<VariableEntry<Value>> {
    checkNames([name]);
    const { variables } = await this.#link.read(methods.getVariables, { names: [name], form });
    const [variable] = variables;
    if (variable === undefined) throw new VariableNotFound({ variable: name });
    return variableEntry(variable);
  }

  async set(name: string, value: unknown, options: SetOptions = {}): Promise<number> {
    checkNames([name]);
    checkSet(options);
    const { versions } = await this.#link.change(methods.setVariables, { assignments: [assignment(name, encodeAlone(value), options)] });
    const version = versions[name];
    if (version === undefined) throw new ProtocolError({ reason: "an answer has no version" });
    return version;
  }

  // biome-ignore lint/suspicious/noExplicitAny: as with JSON.parse, the program alone knows what is in there; unknown would refuse (t) => t + 0.1
  async update<Value = any>(
    name: string,
    change: (value: Value) => Value,
    options: Omit<SetOptions, "expectedVersion"> = {},
  ): Promise<Value> {
    for (;;) {
      const { id, value, version } = await this.entry<Value>(name);
      const next = change(value);
      try {
        // By its id: a variable that was made anew meanwhile is another one.
        await this.set(id, next, { ...options, expectedVersion: version });
        return next;
      } catch (error) {
        if (!isSnakepitError(error) || error._tag !== "VersionConflict") throw error;
      }
    }
  }

  async getMany(names: readonly string[]): Promise<ReadOutcome> {
    checkNames(names);
    checkBatch("names", names.length);
    const asked = [...new Set(names)];
    const { variables, missing } = await this.#link.read(methods.getVariables, { names: asked, form });
    const isMissing = new Set(missing);
    const found = asked.filter((name) => !isMissing.has(name));
    // They come in the order asked.
    const values = Object.fromEntries(found.map((name, i) => [name, variableEntry(variables[i]).value]));
    return { values, missing: names.filter((name) => isMissing.has(name)) };
  }

  async setMany(values: Readonly<Record<string, unknown>>, options: SetManyOptions = {}): Promise<WriteOutcome> {
    checkSetMany(values, options);
    const { atomic = true, expectedVersions = {}, metadata } = options;
    const errors: Record<string, SnakepitError> = {};
    const assignments = Object.entries(values).flatMap(([name, value]) => {
      const expectedVersion = Object.hasOwn(expectedVersions, name) ? expectedVersions[name] : undefined;
      const encoded = encodeOrFailure(value);
      if (!isSnakepitError(encoded)) return [assignment(name, encoded, { expectedVersion, metadata })];
      errors[name] = encoded;
      return [];
    });
    if (atomic) failBatch(errors);
    // The gateway tells one change that fails by its own error; here it is a batch like others.
    const partial = !atomic || assignments.length === 1;
    const answer = await this.#link.change(methods.setVariables, { assignments, partial });
    for (const [name, detail] of Object.entries(answer.errors)) errors[name] = memberFromDetail(detailOf(detail));
    if (atomic) failBatch(errors);
    return { versions: answer.versions, errors };
  }

  async delete(name: string): Promise<boolean> {
    checkNames([name]);
    return (await this.#link.change(methods.deleteVariable, { name })).deleted;
  }

  async list(): Promise<readonly VariableEntry[]> {
    const { variables } = await this.#link.read(methods.listVariables, { form });
    return variables.map((variable) => variableEntry(variable));
  }

  /**
   * The current values, then every change in the order of the versions, from the first `next` on. When the connection is lost it is opened again, and the watch
   * goes on from what it has seen: nothing is left out, or `coalesced` says how much. Ends when the session ends, after a change of kind "ended", and when its
   * handle or the client closes.
   *
   * @param names - By name or id, also such that are yet to be made. Default: all variables.
   * @param options - What an earlier watch has seen, to go on from there.
   * @throws ConnectionLost when there is no connection to be had for the client's `reconnectMs`.
   */
  watch<Value = unknown>(names?: readonly string[], options: WatchOptions = {}): AsyncIterableIterator<VariableChange<Value>> {
    const link = this.#link;
    return new Leavable<VariableChange<Value>>((left) => {
      // What a variable holds has the type that the caller says it has.
      return checkedWatch(link, names, options, left) as AsyncGenerator<VariableChange<Value>>;
    });
  }
}

async function* checkedWatch(link: SessionLink, names: readonly string[] | undefined, options: WatchOptions, left: AbortSignal) {
  if (names !== undefined) checkNames(names);
  checkWatch(options);
  yield* watched(link, names, options.seen ?? {}, left);
}

const assignment = (name: string, valueMsgpack: Uint8Array, { expectedVersion, metadata = {} }: SetOptions) => ({
  name,
  valueMsgpack,
  metadata: { ...metadata },
  expectedVersion,
});

function failBatch(errors: Readonly<Record<string, SnakepitError>>): void {
  const all = Object.entries(errors);
  if (all.length === 0) return;
  throw new BatchFailed({ errors: Object.fromEntries(all.map(([name, { message }]) => [name, message])) }, { cause: all[0]?.[1] });
}

/** In a batch, what cannot be encoded is the failure of its own variable. */
function encodeOrFailure(value: unknown): Uint8Array | SnakepitError {
  try {
    return encodeAlone(value);
  } catch (error) {
    if (isSnakepitError(error)) return error;
    throw error;
  }
}
