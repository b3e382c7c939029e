/** Answers what a worker asks about variables. */
import { create } from "@bufbuild/protobuf";
import { type Context, Effect, Exit, Scope } from "effect";
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
import * as json from "../tool/json.ts";
import type { SessionManager } from "./manager.ts";
import { checkBatch, checkDefinition } from "./options.ts";
import type { Source } from "./records.ts";
import { changeMessage, variableMessage } from "./variable-messages.ts";

/** Changes that one message of a watch carries at most. */
const CHANGES_A_MESSAGE = 64;

/**
 * The handlers of HostService that are about variables. They fail with members of the family, as everything that stands on variables does.
 *
 * @param source - Who makes the changes: Python, and which worker.
 * @param context - What the program's effects run with.
 */
export function variableHandlers(manager: SessionManager, source: Source, context: Context.Context<never>): HostHandlers {
  const run = Effect.runPromiseWith(context);
  const of = (sessionId: string) => manager.variables(sessionId, source);
  return {
    async registerVariable({ sessionId, variable, ifNotExists }) {
      const { name = "", type = "", value = new Uint8Array(), constraintsJson = "", metadata = {} } = variable ?? {};
      const constraints = parseConstraints(constraintsJson);
      checkDefinition(name, { type, value, constraints, metadata });
      const made = await run(of(sessionId).make({ name, type, value: own(value), constraints, metadata, ifNotExists }));
      return create(RegisterVariableResponseSchema, { variable: variableMessage(made) });
    },

    async getVariables({ sessionId, names }) {
      checkBatch("names", names.length);
      const { variables } = await run(of(sessionId).load(names));
      const found = names.map((name) => variables.get(name)).filter((variable) => variable !== undefined);
      const missing = names.filter((name) => !variables.has(name));
      return create(GetVariablesResponseSchema, { variables: found.map(variableMessage), missing });
    },

    async setVariables({ sessionId, updates, atomic }) {
      checkBatch("updates", updates.length);
      const encoded = updates.map(({ name, value, expectedVersion, metadata }) => {
        return { name, value: own(value), metadata, expectedVersion: expectedVersion === undefined ? undefined : Number(expectedVersion) };
      });
      const { changed, errors } = await run(of(sessionId).writeBatch(encoded, atomic));
      return create(SetVariablesResponseSchema, {
        versions: Object.fromEntries(Array.from(changed, ([name, { version }]) => [name, BigInt(version)])),
        errors: Object.fromEntries(Array.from(errors, ([name, error]) => [name, toDetail(error)])),
      });
    },

    async listVariables({ sessionId }) {
      const { variables } = await run(of(sessionId).load("all"));
      return create(ListVariablesResponseSchema, { variables: Array.from(variables.values(), variableMessage) });
    },

    async deleteVariable({ sessionId, name }) {
      return create(DeleteVariableResponseSchema, { deleted: await run(of(sessionId).delete(name)) });
    },

    async *watchVariables({ sessionId, names }, { signal }) {
      const scope = Scope.makeUnsafe();
      try {
        const watching = of(sessionId).watching(names.length === 0 ? undefined : names);
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
