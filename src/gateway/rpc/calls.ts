/** Calls of tools as the gateway makes them: in which pool, with which arguments and options, and what comes back. */
import { Code, ConnectError, type ContextValues, type HandlerContext } from "@connectrpc/connect";
import type { Retry, ToolArguments } from "../../api/calls.ts";
import { CallTimeout, InvalidArguments, isSnakepitError, ToolNotFound } from "../../errors/index.ts";
import {
  type GatewayServiceExecuteToolRequest,
  type GatewayServiceExecuteToolStreamRequest,
  RetryPolicy,
} from "../../gen/snakepit/v1/gateway_pb.ts";
import type { Pit } from "../../pit/pit.ts";
import type { CallOptions } from "../../pool/options.ts";
import type { Pool } from "../../pool/pool.ts";
import { isTraceparent } from "../../telemetry/traceparent.ts";
import type { ToolInfo } from "../../tool/info.ts";
import * as json from "../../tool/json.ts";
import { nearestNames } from "../../tool/nearest.ts";
import { authorize } from "../access/authorize.ts";
import type { Principal } from "../access/principal.ts";
import { readValue } from "./values.ts";

/** A request to run a tool, of either kind. */
export type ToolRequest = GatewayServiceExecuteToolRequest | GatewayServiceExecuteToolStreamRequest;

const retries: Readonly<Record<RetryPolicy, Retry | undefined>> = {
  [RetryPolicy.UNSPECIFIED]: undefined,
  [RetryPolicy.SAFE]: "safe",
  [RetryPolicy.NEVER]: "never",
  [RetryPolicy.ALWAYS]: "always",
};

/** The pool that a call goes to. Throws ToolNotFound, PermissionDenied, or InvalidOptions when there is no such pool. */
export function poolFor(pit: Pit, request: ToolRequest, values: ContextValues): Pool {
  const { tool, pool: name } = request;
  const found = name === "" ? [...pit.pools.values()].find((candidate) => candidate.has(tool)) : pit.pools.get(name);
  // First, so that whoever may not call a tool learns neither whether it is there nor which pools there are.
  const principal = authorize(values, { kind: "tool", tool, pool: found?.name ?? name });
  const pool = name === "" ? found : pit.pool(name);
  if (pool?.has(tool)) return pool;
  const names = allowedTools(pit, principal).map((info) => info.name);
  throw new ToolNotFound({ tool, nearest: nearestNames(tool, names) });
}

/** The tools that somebody may call, in the order of their definition. */
export function allowedTools(pit: Pit, principal: Principal): ToolInfo[] {
  const may = (pool: Pool, { name }: ToolInfo): boolean => principal.may({ kind: "tool", tool: name, pool: pool.name });
  return Array.from(pit.pools.values()).flatMap((pool) => pool.tools().filter((tool) => may(pool, tool)));
}

/** The arguments of a request. Throws InvalidArguments when they are no object, InvalidOptions when they cannot be read. */
export function argumentsIn({ tool, args, argsMsgpack, buffers }: ToolRequest): ToolArguments {
  const value = readValue({ json: args, msgpack: argsMsgpack, buffers }, "args") ?? {};
  if (json.isObject(value)) return value;
  throw new InvalidArguments({ tool, argument: "", path: "$", expected: "arguments are an object by parameter name" });
}

/** The options of a call: what the request says, and the deadline and the trace of its protocol. It is cancelled when nobody waits for it any more. */
export function optionsIn({ retry, priority }: ToolRequest, { signal, timeoutMs, requestHeader }: HandlerContext): CallOptions {
  const traceparent = requestHeader.get("traceparent") ?? "";
  const left = timeoutMs();
  return {
    signal,
    timeoutMs: left === undefined ? undefined : Math.max(1, left),
    retry: retries[retry],
    priority,
    traceparent: isTraceparent(traceparent) ? traceparent : undefined,
  };
}

/**
 * What a call failed with. One whose deadline has run out fails with CallTimeout, although the protocol has cancelled it a moment before the pool would.
 */
export function callFailure(error: unknown, { tool }: ToolRequest, { timeoutMs }: CallOptions, limit: "call" | "stream"): unknown {
  const isLate = isSnakepitError(error) && error._tag === "Cancelled" && isDeadline(error.cause);
  if (!isLate || timeoutMs === undefined) return error;
  return new CallTimeout({ tool, timeoutMs, limit });
}

const isDeadline = (reason: unknown): boolean => reason instanceof ConnectError && reason.code === Code.DeadlineExceeded;
