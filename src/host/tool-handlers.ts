/** Answers what a worker asks about host tools: which there are, and what they give. */
import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import type { HostHandlers } from "../carrier/host-handlers.ts";
import { CallDepthExceeded, StreamingMismatch } from "../errors/index.ts";
import {
  type CallToolRequest,
  type CallToolResponse,
  CallToolResponseSchema,
  ListHostToolsResponseSchema,
  type StreamToolRequest,
  StreamToolResponseSchema,
} from "../gen/snakepit/v1/host_pb.ts";
import { runHostCall } from "../tool/host-call.ts";
import { type Arguments, passedArguments } from "./arguments.ts";
import { hostToolFailure } from "./failure.ts";
import { functionName, type HostFunctions } from "./functions.ts";
import type { HostTools } from "./host-tools.ts";
import { isStream, itemsOf, messagesOf } from "./item-stream.ts";
import { type CallingWorker, RunningCall } from "./running-call.ts";
import { decodeArguments, OutgoingValues } from "./values.ts";

/** How often a chain of calls may come from Python to TypeScript. */
const MAX_CALL_DEPTH = 16;

/** What is called: a tool by name, or a function among the arguments of a call. */
interface Called {
  readonly name: string;
  readonly fn: (...args: unknown[]) => unknown;
  readonly arguments: Arguments;
  /** Tools are written for it; a function among arguments may be any, such as Math.max. */
  readonly takesContext: boolean;
  readonly streaming: boolean | undefined;
}

/** The handlers of HostService that are about host tools, for one worker. They fail with members of the family. */
export function toolHandlers(tools: HostTools, functions: HostFunctions, worker: CallingWorker): HostHandlers {
  const calledBy = (request: CallToolRequest | StreamToolRequest): Called => {
    if (request.function === 0) return { ...tools.get(request.sessionId, request.tool), takesContext: true };
    const fn = functions.get(request.function);
    const name = fn.name === "" ? functionName(request.function) : fn.name;
    return { name, fn, arguments: passedArguments, takesContext: false, streaming: undefined };
  };

  /** Runs what is called. What it throws is a member of the family. */
  const run = (called: Called, request: CallToolRequest | StreamToolRequest, call: RunningCall): unknown => {
    const { name } = called;
    if (request.depth > MAX_CALL_DEPTH) throw new CallDepthExceeded({ tool: name, limit: MAX_CALL_DEPTH });
    const { positional, named } = decodeArguments(request.args, request.buffers);
    const enter = (own: readonly unknown[]): unknown =>
      runHostCall(call, () => (called.takesContext ? called.fn(...own, call) : called.fn(...own)));
    try {
      const args = called.arguments(positional, named);
      const returned = isThenable(args) ? args.then(enter) : enter(args);
      if (!isThenable(returned)) return returned;
      return Promise.resolve(returned).catch((error: unknown) => {
        call.over = true;
        throw hostToolFailure(name, error);
      });
    } catch (error) {
      call.over = true;
      throw hostToolFailure(name, error);
    }
  };

  return {
    listHostTools: ({ sessionId }) => create(ListHostToolsResponseSchema, { tools: tools.list(sessionId) }),

    callTool(request: CallToolRequest, context: HandlerContext): CallToolResponse | Promise<CallToolResponse> {
      const called = calledBy(request);
      if (called.streaming === true) throw mismatch(called, true);
      const call = new RunningCall(called.name, request, worker, context);
      const answer = (value: unknown): CallToolResponse => {
        call.over = true;
        return response(called, value);
      };
      const returned = run(called, request, call);
      return isThenable(returned) ? Promise.resolve(returned).then(answer) : answer(returned);
    },

    async *streamTool(request: StreamToolRequest, context: HandlerContext) {
      const called = calledBy(request);
      if (called.streaming === false) throw mismatch(called, false);
      const call = new RunningCall(called.name, request, worker, context);
      const returned = await run(called, request, call);
      if (!isStream(returned)) throw mismatch(called, false);
      try {
        const items = runHostCall(call, () => itemsOf(returned));
        // A generator runs only while it is asked for an item.
        const inside: AsyncIterator<unknown> = {
          next: () => runHostCall(call, () => items.next()),
          return: async () => runHostCall(call, () => items.return?.()) ?? { done: true, value: undefined },
        };
        for await (const { values, buffers } of messagesOf(inside, context.signal)) {
          yield create(StreamToolResponseSchema, { items: values, buffers });
        }
      } catch (error) {
        throw hostToolFailure(called.name, error);
      } finally {
        call.over = true;
      }
    },
  };
}

function response(called: Called, value: unknown): CallToolResponse {
  if (isStream(value)) throw mismatch(called, true);
  const result = new OutgoingValues();
  result.add(value);
  const [bytes] = result.values;
  return create(CallToolResponseSchema, { ...(bytes !== undefined && { result: bytes }), buffers: result.buffers });
}

function mismatch({ name: tool }: Called, streaming: boolean): StreamingMismatch {
  return new StreamingMismatch({ tool, streaming, use: streaming ? "stream_tool" : "call_tool" });
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
