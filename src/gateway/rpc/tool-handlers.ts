/** The handlers of GatewayService that are about tools. */
import { create } from "@bufbuild/protobuf";
import type { ContextValues, ServiceImpl } from "@connectrpc/connect";
import { Effect } from "effect";
import {
  type GatewayService,
  GatewayServiceExecuteToolResponseSchema,
  GatewayServiceExecuteToolStreamResponseSchema,
  GatewayServiceListToolsResponseSchema,
} from "../../gen/snakepit/v1/gateway_pb.ts";
import { type Tool, ToolSchema } from "../../gen/snakepit/v1/tool_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import { type CallTarget, callPromise, itemIterator } from "../../pool/faces.ts";
import type { ToolInfo } from "../../tool/info.ts";
import { type Principal, principalKey } from "../access/principal.ts";
import { allowedTools, argumentsIn, callFailure, optionsIn, poolFor, type ToolRequest } from "./calls.ts";
import type { OwnedSessions } from "./owned-sessions.ts";
import { answerForm, packValue, toJsonValue } from "./values.ts";

type Handlers = Pick<ServiceImpl<typeof GatewayService>, "executeTool" | "executeToolStream" | "listTools">;

/** Answers what is asked about the tools of a pit. */
export function toolHandlers(pit: Pit, sessions: OwnedSessions): Handlers {
  const run = Effect.runPromiseWith(pit.context);

  /** Where a call goes. */
  const targetOf = async (request: ToolRequest, values: ContextValues): Promise<CallTarget> => {
    const pool = poolFor(pit, request, values);
    if (request.sessionId === "") return { poolOf: () => pool };
    const presence = await sessions.use(values, request.sessionId, true, (handle) => handle.presentNow(Date.now()) ?? run(handle.present));
    return { poolOf: () => pool, routeIn: (its) => presence.routeIn(its) };
  };

  return {
    listTools(_request, { values }) {
      const principal = values.get(principalKey);
      const tools = allowedTools(pit, principal).map((tool) => toolMessage(tool, principal));
      return create(GatewayServiceListToolsResponseSchema, { tools });
    },

    async executeTool(request, context) {
      const target = await targetOf(request, context.values);
      const options = optionsIn(request, context);
      const asMsgpack = answerForm(request.form, { msgpack: request.argsMsgpack }) === "msgpack";
      try {
        const result = await callPromise<unknown>(target, request.tool, argumentsIn(request), options);
        if (!asMsgpack) return create(GatewayServiceExecuteToolResponseSchema, { result: toJsonValue(result) });
        const { msgpack: resultMsgpack, buffers } = packValue(result);
        return create(GatewayServiceExecuteToolResponseSchema, { resultMsgpack, buffers: [...buffers] });
      } catch (error) {
        throw callFailure(error, request, options, "call");
      }
    },

    // An item is taken when the one before it was written: a client that is slow stops the tool.
    async *executeToolStream(request, context) {
      const target = await targetOf(request, context.values);
      const options = optionsIn(request, context);
      const asMsgpack = answerForm(request.form, { msgpack: request.argsMsgpack }) === "msgpack";
      try {
        for await (const item of itemIterator<unknown>(target, request.tool, argumentsIn(request), options)) {
          if (asMsgpack) {
            const { msgpack: itemMsgpack, buffers } = packValue(item);
            yield create(GatewayServiceExecuteToolStreamResponseSchema, { itemMsgpack, buffers: [...buffers] });
          } else yield create(GatewayServiceExecuteToolStreamResponseSchema, { item: toJsonValue(item) });
        }
      } catch (error) {
        throw callFailure(error, request, options, "stream");
      }
    },
  };
}

/** A tool as others may know it: where its code is belongs to the inside of the program. */
function toolMessage({ location, parameters, ...tool }: ToolInfo, { tracebacks }: Principal): Tool {
  return create(ToolSchema, { ...tool, parameters: [...parameters], location: tracebacks ? location : "" });
}
