/** What values become where JSON has no form of its own for them. docs/values.md, "In JSON", has the table. */
import { NdArray } from "./nd-array.ts";
import type { TypedArray } from "./typed-array.ts";

/** What stands in JSON for a value, one level deep: what is inside a list or an object is yet to be looked at. */
export type JsonForm = null | boolean | number | bigint | string | readonly unknown[] | JsonMembers;

/** What becomes an object. */
export interface JsonMembers {
  readonly members: readonly (readonly [name: string, value: unknown])[];
}

/**
 * The form of a value. Numbers are finite. A bigint is left to whoever writes it, since some can write its digits as a number and others only as text.
 * What is no value becomes null.
 */
export function jsonForm(value: unknown): JsonForm {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? value : String(value);
    case "string":
    case "boolean":
    case "bigint":
      return value;
    case "object":
      return value === null ? null : objectForm(value);
    default:
      return null;
  }
}

function objectForm(value: object): JsonForm {
  if (Array.isArray(value)) return value;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return base64(value);
  if (value instanceof NdArray) return nested(value);
  if (isTypedArray(value)) return [...value];
  if (!(value instanceof Map)) return { members: Object.entries(value) };
  const entries = [...value];
  return hasTextKeys(entries) ? { members: entries } : entries;
}

const hasTextKeys = (entries: readonly (readonly [unknown, unknown])[]): entries is readonly (readonly [string, unknown])[] =>
  entries.every(([key]) => typeof key === "string");

/** Whether it is an array of numbers in memory of its own. */
export const isTypedArray = (value: object): value is TypedArray => ArrayBuffer.isView(value) && !(value instanceof DataView);

/** Bytes that are made text at once, fewer than arguments fit on the stack. A multiple of three, so that the pieces can be put together. */
const PIECE = 24_576;

function base64(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += PIECE) text += btoa(String.fromCharCode(...bytes.subarray(at, at + PIECE)));
  return text;
}

/** The elements of an array as nested lists; a complex number is a pair, a bool true or false. */
function nested({ data, shape, dtype }: NdArray): JsonForm {
  let at = 0;
  const element = (): JsonForm => {
    const value = jsonForm(data[at++]);
    if (dtype === "b1") return value === 1;
    return dtype.startsWith("c") ? [value, jsonForm(data[at++])] : value;
  };
  const list = ([length, ...inner]: readonly number[]): JsonForm =>
    length === undefined ? element() : Array.from({ length }, () => list(inner));
  return list(shape);
}
