/**
 * ExecuteTool through a transport, without the generated code: a call of nothing but session, tool and arguments goes by the frame and the bytes of tool calls,
 * so the worker takes its short path as well. Whatever has more to say goes as every other method does.
 */
import { create, type DescMethod } from "@bufbuild/protobuf";
import {
  type ExecuteToolRequest,
  type ExecuteToolResponse,
  ExecuteToolResponseSchema,
  WorkerService,
} from "../gen/snakepit/v1/worker_pb.ts";
import { onlyResult } from "./execute.ts";
import { copyBytes } from "./frame.ts";

/** The method that has a frame of its own. */
export const executeTool: DescMethod = WorkerService.method.executeTool;

/** The fields of a request that has no others. */
export interface PlainRequest {
  readonly sessionId: string;
  readonly tool: string;
  readonly args: Uint8Array;
}

/** The request when it can go without the generated code; undefined when it has more fields, or is none. */
export function plainRequest(input: object): PlainRequest | undefined {
  const request: Partial<ExecuteToolRequest> = input;
  const { sessionId = "", tool, args, buffers, traceparent = "", depth = 0, waiter = 0, $unknown } = request;
  if (typeof sessionId !== "string" || typeof tool !== "string" || !(args instanceof Uint8Array) || args.length === 0) return undefined;
  if (traceparent !== "" || depth !== 0 || waiter !== 0 || $unknown !== undefined) return undefined;
  if (buffers !== undefined && !(Array.isArray(buffers) && buffers.length === 0)) return undefined;
  return { sessionId, tool, args };
}

/** The response in the bytes from `start` to `end`, in memory of its own; undefined when it needs the generated code. */
export function plainResponse(bytes: Uint8Array, start: number, end: number): ExecuteToolResponse | undefined {
  const at = onlyResult(bytes, start, end);
  return at < 0 ? undefined : create(ExecuteToolResponseSchema, { result: copyBytes(bytes, at, end) });
}
