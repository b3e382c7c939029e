/**
 * Values as the command line reads and prints them. docs/values.md, "In JSON", says what becomes of what JSON cannot hold: printing is for
 * reading, so nothing is refused.
 */
import { NdArray, type TypedArray } from "../value/index.ts";

/** Reads JSON without losing digits: whole numbers beyond 2^53 become bigints. Throws SyntaxError. */
export function parseJson(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const { source = "" } = context ?? {};
    return typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** A value as JSON: on one line, or indented by two spaces. */
export function printJson(value: unknown, pretty = false): string {
  return print(value, pretty ? "\n" : "");
}

/** `indent` is what a new line starts with, the newline included; empty on one line. */
function print(value: unknown, indent: string): string {
  switch (typeof value) {
    case "bigint":
      return value.toString();
    case "number":
      return Number.isFinite(value) ? JSON.stringify(value) : `"${value}"`;
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "object":
      return value === null ? "null" : printObject(value, indent);
    default:
      return "null";
  }
}

function printObject(value: object, indent: string): string {
  if (value instanceof Date) return JSON.stringify(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64"));
  if (value instanceof NdArray) return print(nested(value), indent);
  if (isTypedArray(value)) return printList([...value], "");
  if (Array.isArray(value)) return printList(value, indent);
  if (value instanceof Map) {
    const entries = [...value];
    return entries.every(([key]) => typeof key === "string") ? printEntries(entries, indent) : printList(entries, indent);
  }
  return printEntries(Object.entries(value), indent);
}

function printList(items: readonly unknown[], indent: string): string {
  const inner = indent === "" ? "" : `${indent}  `;
  return items.length === 0 ? "[]" : `[${inner}${items.map((item) => print(item, inner)).join(`,${inner}`)}${indent}]`;
}

function printEntries(entries: readonly (readonly [string, unknown])[], indent: string): string {
  const inner = indent === "" ? "" : `${indent}  `;
  const colon = indent === "" ? ":" : ": ";
  const parts = entries.map(([key, value]) => `${JSON.stringify(key)}${colon}${print(value, inner)}`);
  return parts.length === 0 ? "{}" : `{${inner}${parts.join(`,${inner}`)}${indent}}`;
}

/** The elements of an array as nested lists; a complex number is a pair, a bool true or false. */
function nested({ data, shape, dtype }: NdArray): unknown {
  let at = 0;
  const element = (): unknown => {
    const value = data[at++];
    if (dtype === "b1") return value === 1;
    return dtype.startsWith("c") ? [value, data[at++]] : value;
  };
  const list = ([length, ...inner]: readonly number[]): unknown =>
    length === undefined ? element() : Array.from({ length }, () => list(inner));
  return list(shape);
}

const isTypedArray = (value: object): value is TypedArray => ArrayBuffer.isView(value) && !(value instanceof DataView);
