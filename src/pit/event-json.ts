/** Events as JSON objects: with `type`, `time`, and what else docs/telemetry.md has for each. */
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { isSnakepitError, type SnakepitError } from "../errors/index.ts";
import type { ToldEvent } from "./recent.ts";

/** What becomes of an error before it is told. */
type Told = (error: SnakepitError) => SnakepitError;

/** An event, as far as whoever asks may know it. `told` takes out of errors what is not for them; without it everything is told. */
export function eventJson(event: ToldEvent, told: Told = (error) => error): JsonObject {
  return object(event, told);
}

function object(value: object, told: Told): JsonObject {
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, jsonOf(member, told)]));
}

function jsonOf(value: unknown, told: Told): JsonValue {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item) => jsonOf(item, told));
      return value instanceof Error ? errorJson(value, told) : object(value, told);
    default:
      return String(value);
  }
}

function errorJson(error: Error, told: Told): JsonObject {
  if (!isSnakepitError(error)) return { message: error.message };
  const known = told(error);
  const { _tag, message, retryable } = known;
  const cause = known.cause instanceof Error ? { cause: errorJson(known.cause, told) } : {};
  return { _tag, message, retryable, ...object(known.fields, told), ...cause };
}
