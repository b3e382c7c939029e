/** The handlers of GatewayService that are about tools. */
import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { Effect, Exit } from "effect";
import type { ToolArguments } from "../../api/calls.ts";
import {
  type GatewayService,
  GatewayServiceExecuteToolResponseSchema,
  GatewayServiceExecuteToolStreamResponseSchema,
  GatewayServiceListToolsResponseSchema,
} from "../../gen/snakepit/v1/gateway_pb.ts";
import { type Tool, ToolSchema } from "../../gen/snakepit/v1/tool_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import type { CallOptions } from "../../pool/options.ts";
import type { Pool } from "../../pool/pool.ts";
import type { SessionRoute } from "../../pool/session-route.ts";
import { ItemStream } from "../../pool/stream-call.ts";
import { type CallSpan, callSpanIn } from "../../telemetry/call-span.ts";
import type { ToolInfo } from "../../tool/info.ts";
import { type Principal, principalKey } from "../access/principal.ts";
import { allowedTools, argumentsIn, callFailure, optionsIn, poolFor, type ToolRequest } from "./calls.ts";
import { spanKey } from "./observe.ts";
import type { OwnedSessions } from "./owned-sessions.ts";
import { answerForm, packValue, toJsonValue } from "./values.ts";

type Handlers = Pick<ServiceImpl<typeof GatewayService>, "executeTool" | "executeToolStream" | "listTools">;

/** Answers what is asked about the tools of a pit. */
export function toolHandlers(pit: Pit, sessions: OwnedSessions): Handlers {
  const run = Effect.runPromiseWith(pit.context);

  /** Finds out where a call goes, and makes it, in a span of its own where the request has one. */
  async function begin<Made>(
    request: ToolRequest,
    { values }: HandlerContext,
    options: CallOptions,
    make: (pool: Pool, args: ToolArguments, options: CallOptions, route: SessionRoute | undefined) => Made,
  ): Promise<{ readonly made: Made; readonly span: CallSpan | undefined }> {
    const pool = poolFor(pit, request, values);
    const args = argumentsIn(request);
    const { sessionId, tool } = request;
    const presence =
      sessionId === ""
        ? undefined
        : await sessions.use(values, sessionId, true, (handle) => handle.presentNow(Date.now()) ?? run(handle.present));
    const around = values.get(spanKey);
    const span = around && callSpanIn(around.span, tool, around);
    span?.attribute("snakepit.pool", pool.name);
    if (sessionId !== "") span?.attribute("snakepit.session", sessionId);
    const traced = span === undefined ? options : { ...options, traceparent: span.traceparent };
    return { made: make(pool, args, traced, presence?.routeIn(pool)), span };
  }

  return {
    listTools(_request, { values }) {
      const principal = values.get(principalKey);
      const tools = allowedTools(pit, principal).map((tool) => toolMessage(tool, principal));
      return create(GatewayServiceListToolsResponseSchema, { tools });
    },

    async executeTool(request, context) {
      const options = optionsIn(request, context);
      const asMsgpack = answerForm(request.form, { msgpack: request.argsMsgpack }) === "msgpack";
      const { made, span } = await begin(request, context, options, (pool, args, traced, route) => {
        // An object, since what is awaited is the call and not that it is made.
        return { answer: new Promise<unknown>((resolve, reject) => pool.call(request.tool, args, traced, resolve, reject, route)) };
      });
      try {
        const result = await made.answer;
        span?.end(Exit.void);
        if (!asMsgpack) return create(GatewayServiceExecuteToolResponseSchema, { result: toJsonValue(result) });
        const { msgpack: resultMsgpack, buffers } = packValue(result);
        return create(GatewayServiceExecuteToolResponseSchema, { resultMsgpack, buffers: [...buffers] });
      } catch (thrown) {
        const error = callFailure(thrown, request, options, "call");
        span?.end(Exit.fail(error));
        throw error;
      }
    },

    // An item is taken when the one before it was written: a client that is slow stops the tool.
    async *executeToolStream(request, context) {
      const options = optionsIn(request, context);
      const asMsgpack = answerForm(request.form, { msgpack: request.argsMsgpack }) === "msgpack";
      const { made, span } = await begin(request, context, options, (pool, args, traced, route) => {
        return new ItemStream<unknown>(() => pool.stream(request.tool, args, traced, route));
      });
      let exit: Exit.Exit<void, unknown> = Exit.void;
      try {
        for await (const item of made) {
          if (asMsgpack) {
            const { msgpack: itemMsgpack, buffers } = packValue(item);
            yield create(GatewayServiceExecuteToolStreamResponseSchema, { itemMsgpack, buffers: [...buffers] });
          } else yield create(GatewayServiceExecuteToolStreamResponseSchema, { item: toJsonValue(item) });
        }
      } catch (thrown) {
        const error = callFailure(thrown, request, options, "stream");
        exit = Exit.fail(error);
        throw error;
      } finally {
        span?.end(exit);
      }
    },
  };
}

/** A tool as others may know it: where its code is belongs to the inside of the program. */
function toolMessage({ location, parameters, ...tool }: ToolInfo, { tracebacks }: Principal): Tool {
  return create(ToolSchema, { ...tool, parameters: [...parameters], location: tracebacks ? location : "" });
}
