/**
 * Values as the command line reads and prints them. docs/values.md, "In JSON", says what becomes of what JSON cannot hold: printing is for
 * reading, so nothing is refused.
 */
import { NdArray } from "../value/index.ts";

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
  if (ArrayBuffer.isView(value) && Symbol.iterator in value) return printList([...(value as unknown as Iterable<unknown>)], "");
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
  const elements: unknown[] = Array.from<unknown>(data as ArrayLike<unknown>);
  const scalars = dtype === "b1" ? elements.map((element) => element === 1) : dtype.startsWith("c") ? grouped(elements, 2) : elements;
  return shape.length === 0 ? scalars[0] : shape.slice(1).reduceRight<unknown[]>((inner, length) => grouped(inner, length), scalars);
}

function grouped(items: readonly unknown[], size: number): unknown[][] {
  const groups: unknown[][] = [];
  for (let i = 0; i < items.length; i += Math.max(size, 1)) groups.push(items.slice(i, i + size));
  return groups;
}
