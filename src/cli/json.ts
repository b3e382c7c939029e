/**
 * Values as the command line reads and prints them. docs/values.md, "In JSON", says what becomes of what JSON cannot hold: printing is for
 * reading, so nothing is refused.
 */
import { isTypedArray, type JsonForm, jsonForm } from "../value/json.ts";

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
  const form: JsonForm = jsonForm(value);
  if (typeof form === "bigint") return form.toString();
  if (typeof form !== "object" || form === null) return JSON.stringify(form);
  if ("members" in form) return printEntries(form.members, indent);
  // Arrays of numbers are for machines; each number on a line of its own would help nobody.
  return printList(form, typeof value === "object" && value !== null && isTypedArray(value) ? "" : indent);
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
