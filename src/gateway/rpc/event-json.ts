/** Events as JSON objects: with `type`, `time`, and what else docs/telemetry.md has for each. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isSnakepitError } from "../../errors/index.ts";
import { forStrangers } from "./failure.ts";
import type { ToldEvent } from "./recent.ts";

/** An event, as far as whoever asks may know it: errors without tracebacks and printed lines unless `tracebacks`. */
export function eventJson(event: ToldEvent, tracebacks: boolean): JsonObject {
  return object(event, tracebacks);
}

function object(value: object, tracebacks: boolean): JsonObject {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, jsonOf(member, tracebacks)]));
}

function jsonOf(value: unknown, tracebacks: boolean): JsonValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item) => jsonOf(item, tracebacks));
      return value instanceof Error ? errorJson(value, tracebacks) : object(value, tracebacks);
    default:
      return String(value);
  }
}

function errorJson(error: Error, tracebacks: boolean): JsonObject {
  if (!isSnakepitError(error)) return { message: error.message };
  const told = tracebacks ? error : forStrangers(error);
  const { _tag, message, retryable } = told;
  const cause = told.cause instanceof Error ? { cause: errorJson(told.cause, tracebacks) } : {};
  return { _tag, message, retryable, ...object(told.fields, tracebacks), ...cause };
}
