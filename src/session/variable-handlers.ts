/** Answers what a worker asks about variables. */
import { create } from "@bufbuild/protobuf";
import { type Context, Effect, Exit, Scope } from "effect";
import { checkBatch, checkDefinition } from "../api/session-options.ts";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { InvalidOptions } from "../errors/index.ts";
import { toDetail } from "../errors/wire.ts";
import {
  DeleteVariableResponseSchema,
  GetVariablesResponseSchema,
  ListVariablesResponseSchema,
  RegisterVariableResponseSchema,
  SetVariablesResponseSchema,
  WatchVariablesResponseSchema,
} from "../gen/snakepit/v1/host_pb.ts";
import type { Caller } from "../gen/snakepit/v1/session_pb.ts";
import * as json from "../tool/json.ts";
import type { SessionManager } from "./manager.ts";
import type { VariableRecord } from "./records.ts";
import { runNowWith } from "./run.ts";
import { changeMessage, variableMessage } from "./variable-messages.ts";
import type { Variables } from "./variables.ts";

/** Changes that one message of a watch carries at most. */
const CHANGES_A_MESSAGE = 64;

/** A question whose answer the worker may keep. */
interface Question {
  readonly sessionId: string;
  readonly keep: boolean;
}

/**
 * The handlers of HostService that are about variables. They fail with members of the family, as everything that stands on variables does.
 *
 * @param worker - Id of the worker that asks.
 * @param context - What the program's effects run with.
 */
export function variableHandlers(manager: SessionManager, worker: string, context: Context.Context<never>): HostHandlers {
  const run = runNowWith(context);
  const variablesOf = (sessionId: string, caller?: Caller): Variables => {
    const made = caller === undefined ? {} : { tool: caller.tool, call: caller.call };
    return manager.variables(sessionId, { side: "python", worker, ...made });
  };

  /** Makes an answer that the worker keeps when it says so: what changes meanwhile, or later, is told. `names` is undefined for all variables. */
  const answer = <A, E>(
    { sessionId, keep }: Question,
    names: readonly string[] | undefined,
    asking: Effect.Effect<A, E>,
    found: (answer: A) => Iterable<VariableRecord>,
  ): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      const answered = keep ? manager.presenceOf(sessionId)?.copyOf(worker)?.ask(names) : undefined;
      if (answered === undefined) return asking;
      return Effect.onExit(asking, (exit) => Effect.sync(() => answered(Exit.isSuccess(exit) ? found(exit.value) : [])));
    });

  return {
    registerVariable(request) {
      const { name = "", type = "", value = new Uint8Array(), constraintsJson = "", metadata = {} } = request.variable ?? {};
      const constraints = parseConstraints(constraintsJson);
      checkDefinition(name, { type, value, constraints, metadata });
      const variables = variablesOf(request.sessionId, request.caller);
      const making = variables.make({ name, type, value: own(value), constraints, metadata, ifNotExists: request.ifNotExists });
      const made = answer(request, [name], making, (variable) => [variable]);
      return run(Effect.map(made, (variable) => create(RegisterVariableResponseSchema, { variable: variableMessage(variable) })));
    },

    getVariables(request) {
      const { names, sessionId } = request;
      checkBatch("names", names.length);
      const loaded = answer(request, names, variablesOf(sessionId).load(names), ({ variables }) => variables.values());
      return run(
        Effect.map(loaded, ({ variables }) => {
          const found = names.map((name) => variables.get(name)).filter((variable) => variable !== undefined);
          const missing = names.filter((name) => !variables.has(name));
          return create(GetVariablesResponseSchema, { variables: found.map(variableMessage), missing });
        }),
      );
    },

    setVariables(request) {
      const { sessionId, updates, atomic, keep, caller } = request;
      checkBatch("updates", updates.length);
      const names = updates.map(({ name }) => name);
      const encoded = updates.map(({ name, value, expectedVersion, metadata }) => {
        return { name, value: own(value), metadata, expectedVersion: expectedVersion === undefined ? undefined : Number(expectedVersion) };
      });
      const writing = variablesOf(sessionId, caller).writeBatch(encoded, atomic);
      const written = answer(request, names, writing, ({ changed }) => changed.values());
      return run(
        Effect.map(written, ({ changed, errors }) =>
          create(SetVariablesResponseSchema, {
            versions: Object.fromEntries(Array.from(changed, ([name, { version }]) => [name, BigInt(version)])),
            errors: Object.fromEntries(Array.from(errors, ([name, error]) => [name, toDetail(error)])),
            variables: keep ? Array.from(changed.values(), variableMessage) : [],
          }),
        ),
      );
    },

    listVariables(request) {
      const loaded = answer(request, undefined, variablesOf(request.sessionId).load("all"), ({ variables }) => variables.values());
      return run(
        Effect.map(loaded, ({ variables }) =>
          create(ListVariablesResponseSchema, { variables: Array.from(variables.values(), variableMessage) }),
        ),
      );
    },

    deleteVariable({ sessionId, name, caller }) {
      const deleting = variablesOf(sessionId, caller).delete(name);
      return run(Effect.map(deleting, (deleted) => create(DeleteVariableResponseSchema, { deleted })));
    },

    async *watchVariables({ sessionId, names, seen }, { signal }) {
      const scope = Scope.makeUnsafe();
      try {
        const seenBefore = new Map(Object.entries(seen).map(([id, version]) => [id, Number(version)]));
        const watching = variablesOf(sessionId).watching(names.length === 0 ? undefined : names, seenBefore);
        const buffer = await run(Scope.provide(watching, scope));
        signal.addEventListener("abort", () => buffer.close(), { once: true });
        if (signal.aborted) buffer.close();
        while (!buffer.done) {
          await new Promise<void>((resolve) => buffer.whenReady(resolve));
          const changes = [];
          for (let change = buffer.take(); change !== undefined; change = changes.length < CHANGES_A_MESSAGE ? buffer.take() : undefined) {
            changes.push(changeMessage(change));
          }
          if (changes.length > 0) yield create(WatchVariablesResponseSchema, { changes });
        }
      } finally {
        await run(Scope.close(scope, Exit.void));
      }
    },
  };
}

/** A copy: what a message holds may lie in memory that the next message overwrites. */
const own = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

function parseConstraints(text: string): object {
  if (text === "") return {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (json.isObject(parsed)) return parsed;
  } catch {}
  throw new InvalidOptions({ option: "constraints", expected: "a JSON object" });
}
