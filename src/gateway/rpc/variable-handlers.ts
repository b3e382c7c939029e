/** The handlers of GatewayService that are about variables. */
import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { Effect, Exit, Scope } from "effect";
import { checkBatch, checkDefinition } from "../../api/session-options.ts";
import { toDetail } from "../../errors/wire.ts";
import {
  type GatewayService,
  GatewayServiceWatchVariablesResponseSchema,
  type VariableAssignment,
} from "../../gen/snakepit/v1/gateway_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import type { Update } from "../../session/commands.ts";
import { overError, overSignal } from "./lasting.ts";
import type { OwnedSessions } from "./owned-sessions.ts";
import { answerForm } from "./values.ts";
import { givenBytes, variableState, watchMessage } from "./variable-states.ts";

type Handlers = Pick<
  ServiceImpl<typeof GatewayService>,
  "registerVariable" | "getVariables" | "setVariables" | "listVariables" | "deleteVariable" | "watchVariables"
>;

/** Answers what is asked about variables. */
export function variableHandlers(pit: Pit, sessions: OwnedSessions): Handlers {
  const run = Effect.runPromiseWith(pit.context);
  return {
    async registerVariable(request, { values }) {
      const { sessionId, name, type, constraints = {}, metadata, ifNotExists } = request;
      const given = { json: request.value, msgpack: request.valueMsgpack };
      const made = await sessions.use(values, sessionId, true, ({ variables }) => {
        const value = givenBytes(given);
        checkDefinition(name, { type, value, constraints, metadata });
        return run(variables.make({ name, type, value, constraints, metadata, ifNotExists }));
      });
      return { variable: variableState(made, answerForm(0, given)) };
    },

    async getVariables({ sessionId, names, form }, { values }) {
      const { variables } = await sessions.use(values, sessionId, false, (handle) => {
        checkBatch("names", names.length);
        return run(handle.variables.load(names));
      });
      const found = names.map((name) => variables.get(name)).filter((variable) => variable !== undefined);
      return {
        variables: found.map((variable) => variableState(variable, answerForm(form, undefined))),
        missing: names.filter((name) => !variables.has(name)),
      };
    },

    async setVariables({ sessionId, assignments, partial }, { values }) {
      const { changed, errors } = await sessions.use(values, sessionId, true, ({ variables }) => {
        checkBatch("assignments", assignments.length);
        // One change fails with its own error, not with that of a batch.
        const isAtomic = !partial && assignments.length > 1;
        return run(variables.writeBatch(assignments.map(updateOf), isAtomic));
      });
      const [error] = errors.values();
      if (error !== undefined && !partial) throw error;
      return {
        versions: Object.fromEntries(Array.from(changed, ([name, { version }]) => [name, BigInt(version)])),
        errors: Object.fromEntries(Array.from(errors, ([name, failure]) => [name, toDetail(failure)])),
      };
    },

    async listVariables({ sessionId, form }, { values }) {
      const { variables } = await sessions.use(values, sessionId, false, (handle) => run(handle.variables.load("all")));
      return { variables: Array.from(variables.values(), (variable) => variableState(variable, answerForm(form, undefined))) };
    },

    async deleteVariable({ sessionId, name }, { values }) {
      return { deleted: await sessions.use(values, sessionId, true, ({ variables }) => run(variables.delete(name))) };
    },

    // A change is taken when the one before it was written: what a slow client misses meanwhile is drawn together.
    async *watchVariables({ sessionId, names, seen, form }, context) {
      const over = overSignal(context);
      const scope = Scope.makeUnsafe();
      try {
        const wanted = names.length === 0 ? undefined : names;
        const versions = new Map(Object.entries(seen).map(([id, version]) => [id, Number(version)]));
        const buffer = await sessions.use(context.values, sessionId, false, ({ variables }) =>
          run(Scope.provide(variables.watching(wanted, versions), scope)),
        );
        over.addEventListener("abort", () => buffer.close(), { once: true });
        if (over.aborted) buffer.close();
        yield create(GatewayServiceWatchVariablesResponseSchema);
        while (!buffer.done) {
          await new Promise<void>((resolve) => buffer.whenReady(resolve));
          const change = buffer.take();
          if (change !== undefined) yield watchMessage(change, answerForm(form, undefined));
          if (change?.kind === "ended") return;
        }
        throw overError(context);
      } finally {
        await run(Scope.close(scope, Exit.void));
      }
    },
  };
}

const updateOf = ({ name, value, valueMsgpack, expectedVersion, metadata }: VariableAssignment): Update => ({
  name,
  value: givenBytes({ json: value, msgpack: valueMsgpack }),
  metadata,
  expectedVersion: expectedVersion === undefined ? undefined : Number(expectedVersion),
});
